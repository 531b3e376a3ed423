package main

import (
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// TestConnectsBeforeTheFirstCallback: every nsqd is greeted as soon as the parts are made, while the first callback is still on its way.
func TestConnectsBeforeTheFirstCallback(t *testing.T) {
	var nsqds []net.Listener
	var addrs []string
	for range 2 {
		nsqd, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer nsqd.Close()
		nsqds, addrs = append(nsqds, nsqd), append(addrs, nsqd.Addr().String())
	}
	environment(t, map[string]string{"NSQD_ADDRS": strings.Join(addrs, ",")})
	c, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := build(c, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(30 * time.Second) // only reached if nobody comes
	for i, nsqd := range nsqds {
		if err := nsqd.(*net.TCPListener).SetDeadline(end); err != nil {
			t.Fatal(err)
		}
		conn, err := nsqd.Accept()
		if err != nil {
			t.Fatalf("nsqd %d: %v", i+1, err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(end); err != nil {
			t.Fatal(err)
		}
		greeting := make([]byte, 4)
		if _, err := io.ReadFull(conn, greeting); err != nil || string(greeting) != "  V2" {
			t.Errorf("nsqd %d was greeted with %q, %v", i+1, greeting, err)
		}
	}
}

func TestGOGCWins(t *testing.T) {
	const untouched = 77
	defer debug.SetGCPercent(debug.SetGCPercent(untouched))
	for gogc, want := range map[string]int{"": gcPercent, "50": untouched, "off": untouched} {
		t.Setenv("GOGC", gogc)
		debug.SetGCPercent(untouched) // what Go made of GOGC
		tuneHeap()
		if got := debug.SetGCPercent(untouched); got != want {
			t.Errorf("GOGC=%q: %d%%, want %d%%", gogc, got, want)
		}
	}
}
