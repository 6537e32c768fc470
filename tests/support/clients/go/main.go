// Runs r3labs/sse on many streams, with the streams as JSON on standard input. Prints a line of JSON for each
// event, and for each time that the client itself gave up.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

type stream struct {
	Stream int    `json:"stream"`
	URL    string `json:"url"`
	Token  string `json:"token"`
}

type event struct {
	Stream int    `json:"stream"`
	ID     string `json:"id"`
	Type   string `json:"type"`
	Data   string `json:"data"`
}

type ending struct {
	Stream int    `json:"stream"`
	State  string `json:"state"`
	Why    string `json:"why"`
}

const wait = 50 * time.Millisecond

var printing sync.Mutex

func show(line any) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	printing.Lock()
	defer printing.Unlock()
	fmt.Println(string(text))
}

func main() {
	var streams []stream
	if err := json.NewDecoder(os.Stdin).Decode(&streams); err != nil {
		panic(err)
	}
	for _, each := range streams {
		go func(each stream) {
			listenOnce := newListener(each.URL, each.Token, func(id, kind, data string) {
				show(event{each.Stream, id, kind, data})
			})
			keepListening(listenOnce, func(err error) {
				show(ending{each.Stream, "ended", fmt.Sprint(err)})
			}, wait)
		}(each)
	}
	select {}
}
