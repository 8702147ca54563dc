package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/webchasor/webchasor/app"
	"github.com/webchasor/webchasor/internal/testproc"
)

// The applications a test can start, values of testproc.AppEnv.
const (
	appAPI      = "api"      // the real program
	appFastHTTP = "fasthttp" // routes that misbehave on request, see testapp_test.go
	appNetHTTP  = "nethttp"  // the same promise on net/http
)

// TestMain makes the test binary the program under test, so that the tests
// have real processes without a build step; workers inherit the variable.
func TestMain(m *testing.M) {
	switch kind := os.Getenv(testproc.AppEnv); kind {
	case "":
		if err := widen(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	case appAPI:
		main()
	case appFastHTTP:
		app.Main(testApp())
	case appNetHTTP:
		app.Main(netHTTPApp())
	case appPIDOne:
		fmt.Fprintf(os.Stderr, "no container: %v\n", becomePIDOne())
		os.Exit(99)
	case appCgroup:
		fmt.Fprintf(os.Stderr, "no control group: %v\n", enterCgroup())
		os.Exit(99)
	case appExhausted:
		fmt.Fprintf(os.Stderr, "inotify is not used up: %v\n", exhaust())
		os.Exit(99)
	default:
		fmt.Fprintf(os.Stderr, "no test application %q\n", kind)
		os.Exit(99)
	}
}

// widen lets more tests run side by side than there are CPUs, unless -parallel was
// given: they mostly wait for times that are promised.
func widen() error {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if given {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(max(4, runtime.GOMAXPROCS(0))))
}
