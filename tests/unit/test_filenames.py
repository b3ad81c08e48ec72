from hashlib import sha256
from pathlib import Path
from unicodedata import normalize

import pytest

from sweepstake.gridfile.file_names import LONGEST_NAME, default_name, fault


@pytest.mark.parametrize(
    "file",
    [
        "digits.yaml",
        "My digits (2).JSON",
        "_v1.2-rc.yml",
        "(draft) a.yaml",
        "Отток.yaml",
        "データ 2.yaml",
        "हिन्दी.yaml",
        normalize("NFD", "é.yaml"),
        "я" * 117 + ".yaml",
    ],
)
def test_letters_of_any_script_make_a_name(file):
    """Letters with their marks, digits, spaces and six signs are what people call files."""
    assert "" == fault(file)


@pytest.mark.parametrize(
    ("file", "got"),
    [
        ("{{ macros.uuid.os.system('id') }}.yaml", "'{'"),
        ("{% raw %}.yaml", "'{'"),
        ("$(id).yaml", "'$'"),
        ("a;b.yaml", "';'"),
        ("a`b.yaml", "'`'"),
        ("a|b.yaml", "'|'"),
        ("a<b>.yaml", "'<'"),
        ("[link=x].yaml", "'['"),
        ("=1+1.yaml", "'='"),
        ("a%2fb.yaml", "'%'"),
        ("a\\b.yaml", repr("\\")),
        ("it's.yaml", '"\'"'),
        ("a\nb.yaml", r"'\n'"),
        ("a\x1b[31m.yaml", r"'\x1b'"),
        ("a\u202egpj.yaml", r"'\u202e'"),
        ("a\u200bb.yaml", r"'\u200b'"),
        ("gr\udcfcn.yaml", r"'\udcfc'"),
        ("\U0001f600.yaml", "'\U0001f600'"),
        ("-rf.yaml", "'-' at its beginning"),
        (" a.yaml", "' ' at its beginning"),
        ("я" * 118 + ".yaml", "241 bytes"),
    ],
)
def test_other_names_are_refused_with_the_sign_that_is_wrong(file, got):
    """What steers a template, shell, spreadsheet, terminal or page is in no name."""
    assert fault(file).startswith("must have a name of letters, digits, spaces")
    assert fault(file).endswith(f", but got {got}. Rename it.")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("grids/digits.yaml", "digits"),
        ("My grid (2).json", "My-grid-2"),
        ("it's.v1.yml", "it-s.v1"),
        ("a..b.yaml", "a.b"),
        ("Отток.yaml", "Ottok-#"),
        ("Отток 2.yaml", "Ottok-2-#"),
        ("Отток".upper() + ".yaml", "OTTOK-#"),
        ("Kündigung.yaml", "Kundigung-#"),
        ("Kundigung.yaml", "Kundigung"),
        ("数据.yaml", "Shu-Ju-#"),
        ("\U0001f600.yaml", "sweep-#"),
        ("\U0001f601.yaml", "sweep-#"),
        ("()-().yaml", "sweep-#"),
        ("gr\udcfcn.yaml", "gr-n-#"),
        ("x" * 100 + ".yaml", "x" * 100),
        ("x" * 300 + ".yaml", "x" * 91 + "-#"),
    ],
)
def test_a_name_can_be_made_of_any_file_name(file, expected):
    """It has only signs that Airflow and MLflow take; what was lost is told apart by a digest."""
    stem = normalize("NFC", Path(file).stem).encode(errors="surrogatepass")
    expected = expected.replace("#", sha256(stem).hexdigest()[:8])
    assert (expected, True) == (default_name(file), len(expected) <= LONGEST_NAME)


def test_names_that_read_the_same_in_latin_letters_stay_apart():
    """Each stem has its own name, also where letters, case or length alone differ."""
    stems = [
        "Отток",
        "Ottok",
        "отток",
        "Отто\N{LATIN SMALL LETTER K}",
        "Оттокъ",
        "Öttok",
        "я" * 99,
        "я" * 98,
        "()",
        "(()",
    ]
    assert len(stems) == len({default_name(f"{stem}.yaml") for stem in stems})


def test_both_forms_of_a_letter_are_one_name():
    """A file that another system wrote in the other normal form is the same to who reads it."""
    assert 1 == len({default_name(normalize(form, "Überlebt é.yaml")) for form in ("NFC", "NFD")})
