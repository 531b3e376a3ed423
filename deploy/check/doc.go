// Package check holds the tests of the files under deploy: each is parsed by the parser of what will read it, every command line is
// given to the real nsqd, nsqlookupd and nsqadmin, and names, ports, times and limits are compared with each other and with the code.
//
// It is a module of its own, so that none of this weighs on the function or the worker:
//
//	go test -C deploy/check -count=1 ./...
//
// Without -count=1 the go command may show an old result: it does not notice changes outside of a module.
//
// systemd's part needs systemd-analyze (Debian and Ubuntu: package systemd), TLS needs openssl; each is skipped without it, unless
// NEED_SYSTEMD is set.
package check
