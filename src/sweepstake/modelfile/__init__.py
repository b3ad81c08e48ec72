"""Model files: estimators as data, looked at before anything is built of them."""
