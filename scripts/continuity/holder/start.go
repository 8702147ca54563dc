package holder

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Remote is a holder in a process of its own.
type Remote struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	answers *json.Decoder
}

// Start runs this program again as a holder. The caller must call Close.
func Start() (*Remote, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find this program: %w", err)
	}
	cmd := exec.Command(self, Command)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("cannot make a pipe: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("cannot make a pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start a holder: %w", err)
	}
	return &Remote{cmd: cmd, in: in, orders: json.NewEncoder(in), answers: json.NewDecoder(out)}, nil
}

// Do has an order carried out and waits for the answer.
func (r *Remote) Do(o Order) (Answer, error) {
	var a Answer
	if err := r.orders.Encode(o); err != nil {
		return a, fmt.Errorf("cannot order a holder: %w", err)
	}
	if err := r.answers.Decode(&a); err != nil {
		return a, fmt.Errorf("cannot read a holder's answer: %w", err)
	}
	return a, nil
}

// Close ends the process and with it its connections.
func (r *Remote) Close() {
	_ = r.in.Close()
	_ = r.cmd.Wait()
}
