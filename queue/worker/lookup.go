package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	lookupTimeout = 5 * time.Second
	maxNodes      = 1 << 20 // bytes of an answer
)

var errNoNSQD = errors.New("nsqlookupd knows no nsqd")

// lookup asks every nsqlookupd for all nsqd there are, and returns their TCP addresses. One that answers is enough. It returns
// errNoNSQD if none knows any.
func lookup(ctx context.Context, lookupds []string) ([]string, error) {
	found := map[string]bool{}
	var faults []error
	for _, addr := range lookupds {
		nodes, err := nodes(ctx, addr)
		if err != nil {
			faults = append(faults, fmt.Errorf("nsqlookupd %s: %w", addr, err))
		}
		for _, n := range nodes {
			found[n] = true
		}
	}
	if len(found) == 0 {
		return nil, errors.Join(append(faults, errNoNSQD)...)
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func nodes(ctx context.Context, lookupd string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+lookupd+"/nodes", nil)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxNodes+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxNodes {
		return nil, fmt.Errorf("answer exceeds %d bytes", maxNodes)
	}
	var answer struct {
		Producers []struct {
			Host string `json:"broadcast_address"`
			Port uint16 `json:"tcp_port"`
		} `json:"producers"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	var addrs []string
	for _, p := range answer.Producers {
		if p.Host != "" && p.Port != 0 {
			addrs = append(addrs, net.JoinHostPort(p.Host, strconv.Itoa(int(p.Port))))
		}
	}
	return addrs, nil
}
