// Package redis opens connections to Redis. It is the one door to the client
// library, so that timeouts and noise are the same everywhere: whoever uses Redis here
// can do without it, and must not wait long to learn that it is gone.
package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Client is a pool of connections. Any number of goroutines may use it. Close it.
type Client = redis.Client

// silence ends the library's own lines on standard error, one for each
// attempt to connect: its callers get the errors and log them once.
var silence = sync.OnceFunc(func() { redis.SetLogger(nobody{}) })

type nobody struct{}

func (nobody) Printf(context.Context, string, ...any) {}

// Open prepares a client for a URL such as redis://user:password@host:6379/0 or
// rediss:// for TLS. It does not connect: the first operation does. timeout bounds
// each step of an operation; nothing is tried again.
func Open(url string, timeout time.Duration) (*Client, error) {
	silence()
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("the Redis URL is not understood; write redis://host:6379/0, or rediss:// for TLS") // the cause repeats the password
	}
	if timeout <= 0 {
		return nil, fmt.Errorf("the timeout for Redis is %v; it must be positive", timeout)
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = timeout, timeout, timeout, timeout
	o.ContextTimeoutEnabled = true
	o.MaxRetries, o.DialerRetries = -1, 1
	// A handshake for hosted services; a plain server answers it with an error.
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(o), nil
}

// Missing says whether an operation failed only because its key does not exist.
func Missing(err error) bool { return errors.Is(err, redis.Nil) }
