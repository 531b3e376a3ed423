package nsqtest

import (
	"github.com/nsqio/nsq/nsqd"
	"github.com/nsqio/nsq/nsqlookupd"
)

// Lookupd is a running nsqlookupd on loopback.
type Lookupd struct{ tcp, http string }

// NewLookupd starts an nsqlookupd for one test and stops it at the test's end.
func NewLookupd(t TB) Lookupd {
	t.Helper()
	conf := nsqlookupd.NewOptions()
	conf.TCPAddress, conf.HTTPAddress, conf.BroadcastAddress = anyPort, anyPort, "127.0.0.1"
	conf.Logger = logger{}
	daemon, err := nsqlookupd.New(conf)
	if err != nil {
		t.Fatalf("nsqtest: %v", err)
		return Lookupd{}
	}
	done := make(chan error, 1)
	go func() { done <- daemon.Main() }()
	t.Cleanup(func() { daemon.Exit(); <-done })
	return Lookupd{tcp: daemon.RealTCPAddr().String(), http: daemon.RealHTTPAddr().String()}
}

// HTTPAddr is where consumers ask for nsqd.
func (l Lookupd) HTTPAddr() string { return l.http }

// Registers makes an nsqd announce itself there; it is for New.
func (l Lookupd) Registers(o *nsqd.Options) {
	o.NSQLookupdTCPAddresses = append(o.NSQLookupdTCPAddresses, l.tcp)
}
