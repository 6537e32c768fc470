package main

import (
	"errors"
	"math/rand"
	"time"
)

func keepListening(listenOnce func() error, onEnd func(error), wait time.Duration) {
	for {
		err := listenOnce()
		onEnd(err)
		if errors.Is(err, errRefused) {
			return // The token has expired: get another one.
		}
		time.Sleep(time.Duration((1 + 2*rand.Float64()) * float64(wait)))
	}
}
