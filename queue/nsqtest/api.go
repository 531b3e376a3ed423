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

// Stats reads the stats of a channel, or of the topic when channel is empty. Names nsqd does not know have zero Stats.
func (n *NSQD) Stats(ctx context.Context, topic, channel string) (Stats, error) {
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
	if err := n.get(ctx, "/stats?format=json&topic="+url.QueryEscape(topic), &answer); err != nil {
		return Stats{}, err
	}
	for _, t := range answer.Topics {
		if t.Name == topic && channel == "" {
			return t.Stats, nil
		}
		for _, c := range t.Channels {
			if t.Name == topic && c.Name == channel {
				return c.Stats, nil
			}
		}
	}
	return Stats{}, nil
}

// Wait returns the stats as soon as ok accepts them, and the last ones with an error when ctx is done first.
func (n *NSQD) Wait(ctx context.Context, topic, channel string, ok func(Stats) bool) (Stats, error) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		s, err := n.Stats(ctx, topic, channel)
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
func (n *NSQD) Publish(ctx context.Context, topic string, body []byte) error {
	return n.do(ctx, http.MethodPost, "/pub?topic="+url.QueryEscape(topic), body, nil)
}

// CreateChannel makes a channel, and its topic, before anything is published: only then it gets every message.
func (n *NSQD) CreateChannel(ctx context.Context, topic, channel string) error {
	q := "?topic=" + url.QueryEscape(topic) + "&channel=" + url.QueryEscape(channel)
	if err := n.do(ctx, http.MethodPost, "/topic/create"+q, nil, nil); err != nil {
		return err
	}
	return n.do(ctx, http.MethodPost, "/channel/create"+q, nil, nil)
}

// Receive takes one message off a channel and returns its body.
func (n *NSQD) Receive(ctx context.Context, topic, channel string) ([]byte, error) {
	c, err := nsq.NewConsumer(topic, channel, nsq.NewConfig())
	if err != nil {
		return nil, fmt.Errorf("nsqtest: %w", err)
	}
	c.SetLogger(logger{}, nsq.LogLevelError)
	got := make(chan []byte, 1)
	c.AddHandler(nsq.HandlerFunc(func(m *nsq.Message) error {
		select {
		case got <- m.Body:
			c.ChangeMaxInFlight(0)
		default:
			m.RequeueWithoutBackoff(0) // a second one, delivered before the first was answered
		}
		return nil
	}))
	defer func() { c.Stop(); <-c.StopChan }()
	if err := c.ConnectToNSQD(n.TCPAddr()); err != nil {
		return nil, fmt.Errorf("nsqtest: %w", err)
	}
	select {
	case body := <-got:
		return body, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("nsqtest: nothing on %s/%s: %w", topic, channel, ctx.Err())
	}
}

func (n *NSQD) get(ctx context.Context, path string, into any) error {
	return n.do(ctx, http.MethodGet, path, nil, into)
}

func (n *NSQD) do(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+n.HTTPAddr()+path, bytes.NewReader(body))
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
