package nsqtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/nsqio/go-nsq"
)

// poll is the pause between two looks at the stats. nsqd has no way to tell when they change.
const poll = 10 * time.Millisecond

const maxAnswer = 4 << 20

// Stats is what nsqd tells of a topic, or of a channel of it. For a topic only Depth and Messages are set.
type Stats struct {
	Depth    int64  `json:"depth"`           // waiting; a topic's own count drops as soon as it has a channel
	InFlight int64  `json:"in_flight_count"` // delivered, not yet answered
	Deferred int64  `json:"deferred_count"`  // requeued or published with a delay
	Messages uint64 `json:"message_count"`   // all since nsqd started
	Requeued uint64 `json:"requeue_count"`
	TimedOut uint64 `json:"timeout_count"`
	Clients  int    `json:"client_count"`
}

// Empty reports whether nothing waits, is delivered or is deferred.
func (s Stats) Empty() bool { return s.Depth == 0 && s.InFlight == 0 && s.Deferred == 0 }

// Client looks into a running nsqd, of this process or another, and does by hand what publishers and consumers do. It is a value and
// safe for concurrent use; a call to an nsqd that is down is an error.
type Client struct{ tcp, http string }

// NewClient is for an nsqd that listens at these addresses, host:port.
func NewClient(tcpAddr, httpAddr string) Client { return Client{tcp: tcpAddr, http: httpAddr} }

// TCPAddr is where publishers and consumers connect.
func (c Client) TCPAddr() string { return c.tcp }

// HTTPAddr is where the HTTP API answers.
func (c Client) HTTPAddr() string { return c.http }

// Ping returns nil when nsqd serves.
func (c Client) Ping(ctx context.Context) error { return c.get(ctx, "/ping", nil) }

// Stats reads the stats of a channel, or of the topic when channel is empty. Names nsqd does not know have zero Stats.
func (c Client) Stats(ctx context.Context, topic, channel string) (Stats, error) {
	var answer struct {
		Topics []struct {
			Name string `json:"topic_name"`
			Stats
			Channels []struct {
				Name string `json:"channel_name"`
				Stats
			} `json:"channels"`
		} `json:"topics"`
	}
	if err := c.get(ctx, "/stats?format=json&topic="+url.QueryEscape(topic), &answer); err != nil {
		return Stats{}, err
	}
	for _, t := range answer.Topics {
		if t.Name == topic && channel == "" {
			return t.Stats, nil
		}
		for _, ch := range t.Channels {
			if t.Name == topic && ch.Name == channel {
				return ch.Stats, nil
			}
		}
	}
	return Stats{}, nil
}

// Wait returns the stats as soon as ok accepts them, and the last ones with an error when ctx is done first.
func (c Client) Wait(ctx context.Context, topic, channel string, ok func(Stats) bool) (Stats, error) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		s, err := c.Stats(ctx, topic, channel)
		if err == nil && ok(s) {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return s, fmt.Errorf("nsqtest: %s/%s stayed at %+v: %w", topic, channel, s, ctx.Err())
		case <-tick.C:
		}
	}
}

// Publish sends one message through the HTTP API, as it is.
func (c Client) Publish(ctx context.Context, topic string, body []byte) error {
	return c.do(ctx, http.MethodPost, "/pub?topic="+url.QueryEscape(topic), body, nil)
}

// CreateChannel makes a channel, and its topic, before anything is published: only then it gets every message.
func (c Client) CreateChannel(ctx context.Context, topic, channel string) error {
	q := "?topic=" + url.QueryEscape(topic) + "&channel=" + url.QueryEscape(channel)
	if err := c.do(ctx, http.MethodPost, "/topic/create"+q, nil, nil); err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, "/channel/create"+q, nil, nil)
}

// Empty throws away what waits in the topic itself, and not what its channels have.
func (c Client) Empty(ctx context.Context, topic string) error {
	return c.do(ctx, http.MethodPost, "/topic/empty?topic="+url.QueryEscape(topic), nil, nil)
}

// Receive takes one message off a channel and returns its body.
func (c Client) Receive(ctx context.Context, topic, channel string) ([]byte, error) {
	bodies, err := c.ReceiveAll(ctx, topic, channel, 1)
	if err != nil {
		return nil, err
	}
	return bodies[0], nil
}

// ReceiveAll takes so many messages off a channel and returns their bodies. When ctx is done first, the error says how many there were,
// and those have been taken off too.
func (c Client) ReceiveAll(ctx context.Context, topic, channel string, messages int) ([][]byte, error) {
	consumer, err := nsq.NewConsumer(topic, channel, nsq.NewConfig())
	if err != nil {
		return nil, fmt.Errorf("nsqtest: %w", err)
	}
	consumer.SetLogger(logger{}, nsq.LogLevelError)
	got := make(chan []byte, messages)
	consumer.AddHandler(nsq.HandlerFunc(func(m *nsq.Message) error {
		select {
		case got <- m.Body:
		default:
			m.RequeueWithoutBackoff(0) // one too many, delivered before we had stopped
		}
		return nil
	}))
	defer func() { consumer.Stop(); <-consumer.StopChan }()
	if err := consumer.ConnectToNSQD(c.tcp); err != nil {
		return nil, fmt.Errorf("nsqtest: %w", err)
	}
	var bodies [][]byte
	for range messages {
		select {
		case body := <-got:
			bodies = append(bodies, body)
		case <-ctx.Done():
			return bodies, fmt.Errorf("nsqtest: %d of %d messages on %s/%s: %w", len(bodies), messages, topic, channel, ctx.Err())
		}
	}
	return bodies, nil
}

func (c Client) get(ctx context.Context, path string, into any) error {
	return c.do(ctx, http.MethodGet, path, nil, into)
}

func (c Client) do(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.http+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("nsqtest: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("nsqtest: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("nsqtest: %s: %w", path, err)
	case len(answer) > maxAnswer:
		return fmt.Errorf("nsqtest: %s: answer exceeds %d bytes", path, maxAnswer)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("nsqtest: %s: %s: %s", path, resp.Status, answer)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("nsqtest: %s: %w", path, err)
	}
	return nil
}
