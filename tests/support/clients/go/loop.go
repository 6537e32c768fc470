package main

import (
	"errors"
	"math/rand"
	"time"
)

func keepListening(listenOnce func() error, onEnd func(error)) {
	for {
		err := listenOnce()
		onEnd(err)
		if errors.Is(err, errRefused) {
			return // The token has expired: get another one.
		}
		time.Sleep(time.Duration(100+rand.Intn(100)) * time.Millisecond)
	}
}
