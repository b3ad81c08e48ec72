"""Create the bucket of models and plans, if there is none."""

import os
from contextlib import suppress

import boto3


def main() -> None:
    """Create it on the server that the environment names."""
    client = boto3.client("s3")
    taken = (client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists)
    with suppress(*taken):
        client.create_bucket(Bucket=os.environ["S3_BUCKET"])


if __name__ == "__main__":
    main()
