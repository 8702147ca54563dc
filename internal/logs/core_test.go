package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

var (
	noon    = time.Date(2026, 11, 22, 12, 0, 3, 123_400_000, time.FixedZone("", 3600))
	speaks  = []zap.Field{zap.Int("pid", 1234), zap.String("role", "worker"), zap.Int("slot", 2), zap.Int("generation", 1)}
	errFire = errors.New("disk on fire")
)

func TestJSONLine(t *testing.T) {
	for _, test := range []struct {
		name   string
		fields []zap.Field
		want   string
	}{
		{"bare", nil, `"pid":1234,"role":"worker","slot":2,"generation":1`},
		{
			"duration and error",
			[]zap.Field{zap.Duration("took", 1500*time.Millisecond), zap.Error(errFire)},
			`"pid":1234,"role":"worker","slot":2,"generation":1,"took":1.5,"error":"disk on fire"`,
		},
		{
			"a field again",
			[]zap.Field{zap.String("x", "y"), zap.Int("pid", 7)},
			`"pid":7,"role":"worker","slot":2,"generation":1,"x":"y"`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := zapcore.Entry{Time: noon, Level: zapcore.WarnLevel, Message: "a \"message\"\n"}
			line, err := newJSONEncoder().encode(e, merge(speaks, test.fields))
			want := `{"time":"2026-11-22T11:00:03.123Z","level":"warn","msg":"a \"message\"\n",` + test.want + "}\n"
			if err != nil || line.String() != want {
				t.Errorf("got  %s (%v)\nwant %s", line, err, want)
			}
		})
	}
}

func TestConsoleLine(t *testing.T) {
	for _, test := range []struct {
		name, message string
		colour        bool
		fields        []zap.Field
		want          string
	}{
		{"worker", "ready", false, speaks, "11:00:03.123 WARN  worker 2 g1 [1234]      ready\n"},
		{
			"values", "ready", false,
			[]zap.Field{zap.String("role", "master"), zap.String("a", "b c"), zap.Duration("took", 1500*time.Millisecond), zap.Strings("l", []string{"x"}), zap.String("e", "")},
			"11:00:03.123 WARN  master                  ready  a=\"b c\" took=1.5s l=\"[\\\"x\\\"]\" e=\"\"\n",
		},
		{
			"one line, harmless", "two\nlines \x1b[31m \"q\"", false,
			[]zap.Field{zap.String("k\n", "v\n")},
			"11:00:03.123 WARN  two\\nlines \\x1b[31m \"q\"  k\\n=\"v\\n\"\n",
		},
		{
			"colour", "hot", true,
			[]zap.Field{zap.Error(errFire)},
			"\x1b[2m11:00:03.123\x1b[0m \x1b[33mWARN \x1b[0m hot  \x1b[2merror=\x1b[0m\"disk on fire\"\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			enc := consoleEncoder{pool: buffer.NewPool(), colour: test.colour}
			line, err := enc.encode(zapcore.Entry{Time: noon, Level: zapcore.WarnLevel, Message: test.message}, test.fields)
			if err != nil || line.String() != test.want {
				t.Errorf("got  %q (%v)\nwant %q", line, err, test.want)
			}
		})
	}
}

func TestLoggerWritesThrough(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	level := zap.NewAtomicLevelAt(zap.WarnLevel)
	log := New(open(t, path, os.Stderr), Options{Level: level, Fields: speaks}).With(zap.String("path", "/health"))
	log.Info("too quiet")
	log.Warn("first")
	level.SetLevel(zap.DebugLevel)
	log.Debug("second", zap.Int("slot", 5))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`"time":"[^"]+",`).ReplaceAllString(string(content), "")
	want := `{"level":"warn","msg":"first","pid":1234,"role":"worker","slot":2,"generation":1,"path":"/health"}
{"level":"debug","msg":"second","pid":1234,"role":"worker","slot":5,"generation":1,"path":"/health"}
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestOneWritePerEntry(t *testing.T) {
	packets, write := packetPair(t)
	log := New(open(t, "-", write), Options{Level: zap.NewAtomicLevel()})
	buf := make([]byte, 64<<10)
	for _, message := range []string{"short", strings.Repeat("long", 3_000)} {
		log.Info(message, zap.String("k", "v"))
		n, err := packets.Read(buf)
		if err != nil || !json.Valid(buf[:n]) || !strings.Contains(string(buf[:n]), message) {
			t.Errorf("the first write is %q, %v", buf[:n], err)
		}
	}
}

func TestFormatFollowsTheSink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	s := open(t, path, os.Stderr)
	New(s, Options{Level: zap.NewAtomicLevel(), Format: Console}).Info("for people")
	New(s, Options{Level: zap.NewAtomicLevel(), Format: Auto}).Info("for machines")
	content, err := os.ReadFile(path)
	if lines := strings.Split(string(content), "\n"); err != nil || len(lines) != 3 ||
		!strings.HasSuffix(lines[0], "INFO  for people") || !strings.HasSuffix(lines[1], `"msg":"for machines"}`) {
		t.Errorf("got %q, %v", content, err)
	}
}

// Whatever an entry carries, on a pipe it becomes one whole line that fits.
func TestLongEntriesAreCut(t *testing.T) {
	long := strings.Repeat("ü\x00", 3_000)
	many := make([]zap.Field, 500)
	for i := range many {
		many[i] = zap.String(fmt.Sprintf("field %d", i), long[:90])
	}
	for _, test := range []struct {
		name, message string
		fields        []zap.Field
	}{
		{"message", long, nil},
		{"string", "m", []zap.Field{zap.String("k", long)}},
		{"bytes", "m", []zap.Field{zap.ByteString("k", []byte(long)), zap.Binary("b", []byte(long))}},
		{"error", "m", []zap.Field{zap.Error(errors.New(long))}},
		{"array", "m", []zap.Field{zap.Strings("k", []string{long, long})}},
		{"object", "m", []zap.Field{zap.Any("k", map[string]string{"a": long})}},
		{"inline", "m", []zap.Field{zap.Inline(zapcore.ObjectMarshalerFunc(func(o zapcore.ObjectEncoder) error {
			o.AddString("a", long)
			return nil
		}))}},
		{"many", "m", many},
		{"key", "m", []zap.Field{zap.String(long, "v")}},
	} {
		for _, format := range []Format{JSON, Console} {
			t.Run(test.name+" "+string(format), func(t *testing.T) {
				read, write := pipe(t)
				s := open(t, "-", write)
				New(s, Options{Level: zap.NewAtomicLevel(), Format: format, Fields: speaks}).Info(test.message, test.fields...)
				buf := make([]byte, 1<<20)
				n, err := read.Read(buf)
				line := string(buf[:n])
				if err != nil || n > pipeBuf || strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") || !utf8.ValidString(line) {
					t.Fatalf("%d bytes, %v: %q", n, err, line)
				}
				if format == Console {
					if !strings.Contains(line, "worker 2 g1 [1234]") || !strings.Contains(line, "truncated=true") {
						t.Errorf("line %q", line)
					}
					return
				}
				var object map[string]any
				if err := json.Unmarshal(buf[:n], &object); err != nil || object["truncated"] != true || object["pid"] != 1234.0 {
					t.Errorf("line %q, %v", line, err)
				}
			})
		}
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		text string
		size int
		want string
	}{
		{"short", 5, "short"}, {"longer", 5, "longe..."}, {"aü", 2, "a..."}, {"\x80\x80\x80\x80\x80\x80", 5, "\x80..."}, {"x", 0, "..."}, {"", 0, ""},
	} {
		if got := cut(test.text, test.size); got != test.want {
			t.Errorf("cut(%q, %d) = %q, want %q", test.text, test.size, got, test.want)
		}
	}
}
