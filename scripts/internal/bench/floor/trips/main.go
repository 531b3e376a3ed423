// Command trips is the floor: it asks OSS for image info as plainly as possible, without even signing.
package main

import (
	"context"
	"net/http"
	"os"

	"oss-callback/scripts/internal/bench/floor/trip"
)

func main() {
	client, url := trip.Client(), os.Getenv("INFO_URL")
	trip.Serve(func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return trip.Drain(resp.Body)
	})
}
