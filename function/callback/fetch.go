package callback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	fetchTimeout = 1500 * time.Millisecond
	maxKeyFile   = 8 << 10
)

// fetcher gets key files from OSS's key host, over https whatever scheme the callback named.
type fetcher struct{ client *http.Client }

func newFetcher(transport http.RoundTripper) *fetcher {
	if transport == nil {
		transport = &http.Transport{
			TLSHandshakeTimeout:   fetchTimeout,
			ResponseHeaderTimeout: fetchTimeout,
			DisableKeepAlives:     true, // a key is fetched once; the next freeze would only break the connection
		}
	}
	return &fetcher{&http.Client{
		Transport:     transport,
		Timeout:       fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("redirects are not followed") },
	}}
}

func (f *fetcher) get(name string) ([]byte, error) {
	// Its own deadline: one caller that leaves must not fail the others who wait for the same key.
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+keyHost+name, nil)
	if err != nil {
		return nil, err
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("key host answered %s", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxKeyFile {
		return nil, fmt.Errorf("key file is larger than %d bytes", maxKeyFile)
	}
	return body, nil
}
