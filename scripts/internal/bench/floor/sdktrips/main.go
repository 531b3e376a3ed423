// Command sdktrips is the floor of whoever uses OSS's SDK: it asks for image info as the SDK's documentation shows.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/scripts/internal/bench/floor/trip"
)

func main() {
	client, err := oss.New(os.Getenv("OSS_ENDPOINT"), "id", "secret", oss.HTTPClient(trip.Client()), oss.AuthVersion(oss.AuthV4), oss.Region("cn-hangzhou"))
	if err != nil {
		log.Fatal(err)
	}
	bucket, err := client.Bucket(os.Getenv("OSS_BUCKET"))
	if err != nil {
		log.Fatal(err)
	}
	object := os.Getenv("OSS_OBJECT")
	trip.Serve(func(ctx context.Context) error {
		body, err := bucket.GetObject(object, oss.Process("image/info"), oss.WithContext(ctx))
		if err != nil {
			return err
		}
		defer body.Close()
		return trip.Drain(body)
	})
}
