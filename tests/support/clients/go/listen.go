package main

import (
	"errors"
	"net/http"
	"time"

	"github.com/r3labs/sse/v2"
	"gopkg.in/cenkalti/backoff.v1"
)

var errRefused = errors.New("the server refused the token")

// The length of an event's id, such as 1795335175942000-oprfql.
const idLength = 23

// newListener returns what listens until the stream ends.
func newListener(url, token string, onEvent func(id, kind, data string)) func() error {
	client := sse.NewClient(url)
	client.Headers["Authorization"] = "Bearer " + token
	// Otherwise the library sends the id of an event that was cut off.
	client.Headers["Last-Event-ID"] = ""
	client.ReconnectStrategy = backoff.NewConstantBackOff(time.Second)
	client.ResponseValidator = func(_ *sse.Client, response *http.Response) error {
		if response.StatusCode == http.StatusOK {
			return nil
		}
		response.Body.Close()
		if response.StatusCode == http.StatusUnauthorized {
			return backoff.Permanent(errRefused)
		}
		return errors.New(response.Status)
	}
	handle := func(message *sse.Event) {
		id := string(message.ID)
		// The library also hands over blank lines, and what was cut off.
		if len(message.Data) == 0 || len(id) != idLength || id == client.Headers["Last-Event-ID"] {
			return
		}
		client.Headers["Last-Event-ID"] = id
		kind := string(message.Event)
		if kind == "" {
			kind = "message"
		}
		onEvent(id, kind, string(message.Data))
	}
	return func() error { return client.SubscribeRaw(handle) }
}
