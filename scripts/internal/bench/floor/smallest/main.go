// Command smallest is the smallest function that Function Compute's Go runtime runs: what any function in Go starts with and weighs.
package main

import (
	"context"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
)

type answer struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

func main() {
	fc.Start(func(context.Context, []byte) (answer, error) {
		return answer{200, map[string]string{"Content-Type": "application/json"}, `{"Status":"OK"}`}, nil
	})
}
