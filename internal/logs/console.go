package logs

import (
	"fmt"
	"strconv"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// consoleEncoder writes an entry for a person at a terminal:
//
//	22:14:03.123 INFO  worker 2 g1 [1234]  request failed  status=500
//
// The fields role, slot, generation and pid become the column that says who is
// speaking, the others follow the message.
type consoleEncoder struct {
	pool   buffer.Pool
	colour bool
}

// whoWidth keeps the messages of a master and of up to 100 workers aligned.
const whoWidth = len("worker 99 g9 [1234567]")

// ANSI escape sequences, see console_codes(4).
const (
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	plain  = "\x1b[0m"
)

func (c consoleEncoder) encode(e zapcore.Entry, fields []zap.Field) (*buffer.Buffer, error) {
	line := c.pool.Get()
	who, rest := speaker(fields)
	c.paint(line, dim, e.Time.UTC().Format("15:04:05.000"))
	line.AppendByte(' ')
	c.paint(line, levelColour(e.Level), fmt.Sprintf("%-5s", e.Level.CapitalString()))
	line.AppendByte(' ')
	if who != "" {
		fmt.Fprintf(line, "%-*s  ", whoWidth, who)
	}
	if e.LoggerName != "" {
		line.AppendString(e.LoggerName + ": ")
	}
	line.AppendString(printable(e.Message))
	space := "  "
	for _, p := range rest {
		line.AppendString(space)
		c.paint(line, dim, printable(p.key)+"=")
		line.AppendString(quoted(p.text))
		space = " "
	}
	line.AppendByte('\n')
	if e.Stack != "" {
		line.AppendString(e.Stack + "\n")
	}
	return line, nil
}

// speaker splits off the fields that tell which process wrote the line.
func speaker(fields []zap.Field) (who string, rest []pair) {
	var role, slot, generation, pid string
	for _, f := range fields {
		for _, p := range render(f) {
			switch p.key {
			case "role":
				role = p.text
			case "slot":
				slot = " " + p.text
			case "generation":
				generation = " g" + p.text
			case "pid":
				pid = " [" + p.text + "]"
			default:
				rest = append(rest, p)
			}
		}
	}
	return strings.TrimSpace(role + slot + generation + pid), rest
}

func levelColour(level zapcore.Level) string {
	switch {
	case level >= zapcore.ErrorLevel:
		return red
	case level == zapcore.WarnLevel:
		return yellow
	case level == zapcore.InfoLevel:
		return green
	default:
		return dim
	}
}

func (c consoleEncoder) paint(line *buffer.Buffer, code, text string) {
	if !c.colour {
		line.AppendString(text)
		return
	}
	line.AppendString(code + text + plain)
}

// printable escapes what would break the line or command the terminal.
func printable(text string) string {
	escaped := strconv.Quote(text)
	if len(escaped) == len(text)+2 {
		return text
	}
	return strings.ReplaceAll(escaped[1:len(escaped)-1], `\"`, `"`)
}

// quoted is text as a value: in quotes when it could be read as something else.
func quoted(text string) string {
	if text == "" || strings.ContainsAny(text, " =") || strconv.Quote(text) != `"`+text+`"` {
		return strconv.Quote(text)
	}
	return text
}
