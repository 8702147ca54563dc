// Command dashboard opens the dashboard of a live webchasor in a real Chromium
// and does what an operator does there. It is a module of its own, so that
// webchasor does not depend on a browser's protocol.
//
// Usage: dashboard PROGRAM DIRECTORY-FOR-SCREENSHOTS
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: dashboard PROGRAM DIRECTORY-FOR-SCREENSHOTS")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, 8*time.Minute)
	err := run(ctx, os.Args[1], os.Args[2])
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, program, shots string) (err error) {
	s, err := start(ctx, program)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	traffic, still := context.WithCancel(ctx)
	defer s.calls.Wait()
	defer still()
	s.load(traffic, 4)
	t, closeBrowser, err := launch(ctx, shots)
	if err != nil {
		return fmt.Errorf("cannot start the browser: %w", err)
	}
	defer closeBrowser()

	var failed []error
	for _, sc := range scenes {
		began := time.Now()
		err := sc.play(s, t)
		for _, c := range t.complained() {
			if !sc.expects(c) {
				err = errors.Join(err, errors.New("the console says: "+c))
			}
		}
		result := "ok    "
		if err != nil {
			result = "FAILED"
			failed = append(failed, fmt.Errorf("%s: %w", sc.name, err))
			_ = t.shot("failed-"+sc.file(), true) // the failure counts, not that its picture is missing
		}
		fmt.Printf("%s %s (%.1f s)\n", result, sc.name, time.Since(began).Seconds())
	}
	return errors.Join(failed...)
}
