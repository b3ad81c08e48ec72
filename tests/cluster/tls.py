"""The proxy with TLS, as the how-to page shows it, before the cluster's MLflow and Airflow."""

import re
import ssl
import time

import httpx

from cluster import BIN, DISK, PATIENCE_SECONDS, ROOT

PAGE = (ROOT / "docs" / "how-to" / "several-hosts.md").read_text(encoding="utf-8")
CADDYFILE, ENV = re.findall(
    r"^```\n(.+?)^```$", PAGE.partition("## TLS")[2], re.MULTILINE | re.DOTALL
)[:2]
VARIABLES = dict(line.split("=", 1) for line in ENV.splitlines())
"""What the page wants in ``.env``."""
OWN_CERTIFICATES = "{\n\tlocal_certs\n\tskip_install_trust\n}\n"
ROOT_CERTIFICATE = "caddy/pki/authorities/local/root.crt"


class Proxy:
    """Caddy on a host of the cluster, with a certificate authority of its own."""

    def __init__(self, cluster, host):
        self.host = cluster.hosts[host]
        text = OWN_CERTIFICATES + CADDYFILE
        for service, port in (("mlflow", 5000), ("api-server", 8080)):
            text = text.replace(f"127.0.0.1:{port}", f"{service}:{port}")
        (self.host.disk / "Caddyfile").write_text(text)
        command = (str(BIN / "caddy"), "run", "--config", f"{DISK}/Caddyfile")
        self.host.start(command, {"HOME": str(DISK), "XDG_DATA_HOME": str(DISK)}, cluster.log(host))
        self.trust = self._await_certificate()

    def _await_certificate(self):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if (self.host.disk / ROOT_CERTIFICATE).exists():
                return ssl.create_default_context(cafile=self.host.disk / ROOT_CERTIFICATE)
            time.sleep(0.1)
        raise TimeoutError(ROOT_CERTIFICATE)

    def get(self, name, path, **options):
        """What a server answers under a name of the page's, over TLS."""
        transport = httpx.HTTPTransport(verify=self.trust, retries=9)
        with httpx.Client(transport=transport) as client:
            url = f"https://{self.host.address}{path}"
            sni = {"sni_hostname": name}
            return client.get(url, headers={"Host": name}, extensions=sni, timeout=60, **options)
