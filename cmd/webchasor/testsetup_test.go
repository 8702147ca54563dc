package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/webchasor/webchasor/app"
	"github.com/webchasor/webchasor/internal/testproc"
)

// setupEnv says how the application's setup misbehaves: words separated by
// commas, each `what`, `what:argument`, `what-if-file:NAME` (only while that file is
// there) or `what-if-slot:N`.
const setupEnv = "TEST_SETUP"

func testSetup(ctx context.Context, w *app.Worker) error {
	for word := range strings.SplitSeq(os.Getenv(setupEnv), ",") {
		what, arg, _ := strings.Cut(word, ":")
		if plain, ok := strings.CutSuffix(what, "-if-file"); ok {
			if _, err := os.Stat(arg); err != nil {
				continue
			}
			what = plain
		}
		if plain, ok := strings.CutSuffix(what, "-if-slot"); ok {
			if arg != strconv.Itoa(w.Slot) {
				continue
			}
			what = plain
		}
		if err := misbehave(what, arg); err != nil {
			return err
		}
	}
	return nil
}

func misbehave(what, arg string) error {
	switch what {
	case "", "none":
		return nil
	case "fail":
		return errors.New("setup fails on request")
	case "hang":
		select {}
	case "panic":
		panic("setup panics on request")
	case "exit":
		fmt.Fprintln(os.Stderr, "last words before the exit")
		code, _ := strconv.Atoi(arg)
		os.Exit(code)
	case "hold": // while that file is there
		for exists("hold") {
			testproc.Pause(testproc.Every, nil)
		}
		return nil
	case "leak":
		mb, _ := strconv.Atoi(arg)
		leak(mb)
		return nil
	case "slow":
		ms, err := strconv.Atoi(arg)
		if err != nil {
			ms = 1000
		}
		testproc.Pause(time.Duration(ms)*time.Millisecond, nil)
		return nil
	}
	return fmt.Errorf("no such misbehaviour: %q", what)
}
