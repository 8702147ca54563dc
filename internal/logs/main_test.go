package logs

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
)

// childEnv turns the test binary into one of the processes that write a log.
// Its value is "KIND TARGET ID LINES".
const childEnv = "WEBCHASOR_LOGS_TEST_CHILD"

func TestMain(m *testing.M) {
	if order := os.Getenv(childEnv); order != "" {
		if err := child(order); err != nil {
			// Not to standard error: one test makes that a pipe nobody reads.
			fmt.Println("child:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child writes lines to TARGET, "-" being standard error. It says "half" on its
// standard output after half of them, then reads a command from its standard
// input: "go" to go on, "reopen" to reopen first and say "reopened".
func child(order string) error {
	var kind, target string
	var id, lines int
	if _, err := fmt.Sscan(order, &kind, &target, &id, &lines); err != nil {
		return err
	}
	sink, err := Open(target, os.Stderr)
	if err != nil {
		return err
	}
	write, finish := childWriter(kind, sink, id)
	for n := range lines {
		if err := write(n); err != nil {
			return err
		}
		if n == lines/2 {
			if err := childPause(sink); err != nil {
				return err
			}
		}
	}
	return finish()
}

func childWriter(kind string, sink *Sink, id int) (write func(int) error, finish func() error) {
	text := childText(id)
	switch kind {
	case "log":
		log := New(sink, Options{Level: zap.NewAtomicLevel(), Fields: []zap.Field{zap.Int("pid", id)}})
		return func(n int) error {
			log.Info("line", zap.Int("n", n), zap.String("text", text))
			return nil
		}, sink.Close
	case "access":
		access := NewAccess(sink, AccessJSON)
		return func(n int) error {
			access.Log(Record{PID: id, Slot: n, Time: time.Now(), URI: text})
			return nil
		}, access.Close
	default: // raw: report the sink's own errors
		return func(n int) error {
			_, err := fmt.Fprintf(sink, "%d %d\n", id, n)
			return err
		}, sink.Close
	}
}

// childText has another length for each writer.
func childText(id int) string { return strings.Repeat("x", 40+id*10) }

func childPause(sink *Sink) error {
	fmt.Println("half")
	command, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	if command == "reopen\n" {
		if err := sink.Reopen(); err != nil {
			return err
		}
		fmt.Println("reopened")
	}
	return nil
}

// process is a running child.
type process struct {
	cmd   *exec.Cmd
	tell  *os.File
	hears *bufio.Scanner
}

// start runs a child that writes to target.
func start(t *testing.T, kind, target string, id, lines int, stderr *os.File) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{kind, target, strconv.Itoa(id), strconv.Itoa(lines)}, " "))
	cmd.Stderr = stderr
	in, tell, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	t.Cleanup(func() { tell.Close() })
	cmd.Stdin = in
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &process{cmd: cmd, tell: tell, hears: bufio.NewScanner(out)}
}

func (p *process) expect(t *testing.T, word string) {
	t.Helper()
	if !p.hears.Scan() || p.hears.Text() != word {
		t.Fatalf("child said %q (%v), want %q", p.hears.Text(), p.hears.Err(), word)
	}
}

func (p *process) command(t *testing.T, word string) {
	t.Helper()
	if _, err := fmt.Fprintln(p.tell, word); err != nil {
		t.Fatal(err)
	}
}

func (p *process) wait(t *testing.T) {
	t.Helper()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("child: %v", err)
	}
}

// eventually waits for a condition that nothing announces.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}
