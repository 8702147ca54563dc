//go:build !linux

package main

import "errors"

const appExhausted = "inotify"

func exhaust() error { return errors.New("inotify is Linux's") }
