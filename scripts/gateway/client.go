package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const path = "/v1/chat/completions"

// newClient keeps connections and as little memory as it can.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10}}
}

func post(ctx context.Context, c *http.Client, addr, body string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		resp.Body.Close()
		return nil, fmt.Errorf("status %d: %s", resp.StatusCode, text)
	}
	return resp, nil
}

const question = `{"model":"m","messages":[{"role":"user","content":"How much does the way through you cost?"}]}`

// call asks once and reads the whole answer.
func call(ctx context.Context, c *http.Client, addr string) (time.Duration, error) {
	begin := time.Now()
	resp, err := post(ctx, c, addr, question)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return time.Since(begin), err
}

func streamOf(chunks, every int) string {
	return fmt.Sprintf(`{"model":"m","stream":true,"x_chunks":%d,"x_every":%d,"messages":[{"role":"user","content":"x"}]}`, chunks, every)
}

// follow reads a stream to its end and tells of every chunk how old it was when it
// came. It fails if one is missing or the stream is not whole.
func follow(ctx context.Context, c *http.Client, addr string, chunks, every int, began func(), saw func(age time.Duration)) error {
	resp, err := post(ctx, c, addr, streamOf(chunks, every))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	began()
	lines := bufio.NewReaderSize(resp.Body, 512)
	n := 0
	for {
		line, err := lines.ReadSlice('\n')
		now := time.Now()
		if err != nil {
			return fmt.Errorf("after %d of %d chunks: %w", n, chunks, err)
		}
		text := string(line)
		if strings.HasPrefix(text, "data: [DONE]") {
			if n != chunks {
				return fmt.Errorf("%d of %d chunks came", n, chunks)
			}
			return nil
		}
		rest, ok := strings.CutPrefix(text, `data: {"sent":`)
		if !ok {
			continue
		}
		sent, number, _ := strings.Cut(rest, `,"n":`)
		at, err := strconv.ParseInt(sent, 10, 64)
		if err != nil || !strings.HasPrefix(number, strconv.Itoa(n)+"}") {
			return fmt.Errorf("chunk %d is %q", n, text)
		}
		saw(now.Sub(time.Unix(0, at)))
		n++
	}
}
