package stack

import (
	"context"
	"fmt"
	"maps"
	"net"

	"oss-callback/queue/nsqtest"
	"oss-callback/scripts/internal/fcsim"
	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/process"
)

func (s *Stack) startQueue(ctx context.Context) (string, error) {
	nsqd, err := nsqtest.Start(nsqtest.Options{Dir: s.dir})
	if err != nil {
		return "", err
	}
	s.NSQ = nsqd
	s.onClose(func() error { nsqd.Stop(); return nil })
	// A channel gets what is published after it exists. The worker's must not depend on who is faster, the worker or the upload.
	for _, channel := range append([]string{Channel}, s.opts.Channels...) {
		if err := nsqd.CreateChannel(ctx, Topic, channel); err != nil {
			return "", fmt.Errorf("channel %s: %w", channel, err)
		}
	}
	return nsqd.TCPAddr(), nil
}

func (s *Stack) startOSS(context.Context) (string, error) {
	oss, err := osssim.Start(osssim.Config{
		Region: Region, Buckets: []string{Bucket}, AccessKeyID: AccessKeyID, AccessKeySecret: AccessKeySecret,
		OnCallback: s.opts.OnCallback, Behaviour: s.opts.Behaviour, MaxCallbacks: s.opts.MaxCallbacks,
	})
	if err != nil {
		return "", err
	}
	s.OSS = oss
	s.onClose(oss.Close)
	for _, scenario := range osssim.Scenarios() {
		oss.Provoke(scenario, ScenarioPrefix+scenario.Name+"/")
	}
	return oss.Endpoint(), nil
}

func (s *Stack) functionName() string {
	if s.opts.Web {
		return "function"
	}
	return "FC"
}

func (s *Stack) startFunction(ctx context.Context) (string, error) {
	if s.opts.Web {
		return s.startWebFunction(ctx)
	}
	// Not with ctx: Close ends the parts in order.
	fc, err := fcsim.Start(context.WithoutCancel(ctx), fcsim.Config{
		Binary: s.opts.Binaries.Function, Env: s.functionSettings(), Region: Region, Freeze: true,
		Credentials: fcsim.Credentials{AccessKeyID: AccessKeyID, AccessKeySecret: AccessKeySecret},
		Stdout:      s.opts.FunctionLog, Stderr: s.opts.FunctionLog,
	})
	if err != nil {
		return "", err
	}
	s.onClose(fc.Close)
	s.functionURL = fc.URL()
	s.OSS.AllowPublic(fc.Addr())
	return fc.URL(), nil
}

func (s *Stack) startWebFunction(ctx context.Context) (string, error) {
	addr, err := process.FreeAddr()
	if err != nil {
		return "", err
	}
	host, port, _ := net.SplitHostPort(addr)
	settings := credentials()
	maps.Copy(settings, map[string]string{"LISTEN_HOST": host, "FC_CUSTOM_LISTEN_PORT": port})
	maps.Copy(settings, s.functionSettings())
	if err := s.run(ctx, "function", s.opts.Binaries.Function, settings, s.opts.FunctionLog, "http://"+addr+"/healthz"); err != nil {
		return "", err
	}
	s.functionURL = "http://" + addr
	s.OSS.AllowPublic(addr)
	return s.functionURL, nil
}

func (s *Stack) startWorker(ctx context.Context) (string, error) {
	addr, err := process.FreeAddr()
	if err != nil {
		return "", err
	}
	s.metricsAddr = addr
	if err := s.run(ctx, "worker", s.opts.Binaries.Worker, s.workerSettings(), s.opts.WorkerLog, "http://"+addr+"/healthz"); err != nil {
		return "", err
	}
	return "metrics at " + s.MetricsURL(), nil
}
