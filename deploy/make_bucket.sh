#!/bin/sh
# Create the bucket, and two users who can do nothing but use it: the writer (tasks) and the reader
# (MLflow's pages, the served champion, Airflow's triggerer). This alone has MinIO's root keys. Again: changes nothing.
set -eu
for file in "${SECRETS:-/run/secrets}"/*; do
    export "$(basename "$file")=$(cat "$file")"
done
if [ "$S3_ENDPOINT" != http://minio:9000 ]; then
    echo "S3_ENDPOINT is not the MinIO of this file: make the bucket $S3_BUCKET and both users there."
    exit 0
fi
export MC_HOST_store="http://$MINIO_ROOT_USER:$MINIO_ROOT_PASSWORD@minio:9000" MC_CONFIG_DIR=/tmp/mc
bucket=arn:aws:s3:::$S3_BUCKET

# policy NAME ACTIONS-ON-THE-BUCKET CONDITION ACTIONS-ON-OBJECTS OBJECTS
policy() {
    printf '{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": [%s], "Resource": ["%s"]%s},
  {"Effect": "Allow", "Action": [%s], "Resource": [%s]}]}\n' \
        "$2" "$bucket" "$3" "$4" "$5" > "/tmp/$1.json"
    mc admin policy create store "$1" "/tmp/$1.json"
}

# user POLICY ACCESS-KEY SECRET-KEY, which go by standard input: a command line is no place for them
user() {
    printf '%s\n%s\n' "$2" "$3" | mc admin user add store
    mc admin policy attach store "$1" --user "$2"
}

mc mb --ignore-existing "store/$S3_BUCKET"
# The triggerer watches it: it is there from the beginning, as who may not list is refused what is not.
days=workspace/closed-days
mc stat "store/$S3_BUCKET/$days" >/dev/null 2>&1 || echo none | mc pipe "store/$S3_BUCKET/$days"
policy sweepstake-writer \
    '"s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"' '' \
    '"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"' "\"$bucket/*\""
policy sweepstake-reader '"s3:ListBucket"' \
    ', "Condition": {"StringLike": {"s3:prefix": ["mlflow/*", "workspace/sweeps/*"]}}' \
    '"s3:GetObject"' "\"$bucket/mlflow/*\", \"$bucket/workspace/sweeps/*\", \"$bucket/$days\""
user sweepstake-writer "$S3_WRITER_ACCESS_KEY" "$S3_WRITER_SECRET_KEY"
user sweepstake-reader "$S3_READER_ACCESS_KEY" "$S3_READER_SECRET_KEY"
