// Package nsqdproc runs the embedded nsqd as a process of its own, so that tests can kill it as a crash would (SIGKILL), stop it
// where it is, and start it again on the same ports with the same data.
//
// It keeps messages on disk and syncs each of them, as everything this project starts or ships does (--mem-queue-size=0
// --sync-every=1), and listens on loopback only.
package nsqdproc

import (
	"context"

	"oss-callback/queue/nsqtest"
)

// Run is the child: an nsqd that serves until ctx is done, and then saves its messages as SIGTERM makes it. Whatever
// Options.Path names calls it.
func Run(ctx context.Context, dir, tcpAddr, httpAddr string) error {
	nsqd, err := nsqtest.Start(nsqtest.Options{Dir: dir, TCPAddr: tcpAddr, HTTPAddr: httpAddr})
	if err != nil {
		return err
	}
	<-ctx.Done()
	nsqd.Stop()
	return nil
}
