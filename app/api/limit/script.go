package limit

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"strings"

	"github.com/webchasor/webchasor/internal/redis"
)

// script is Lua that runs inside Redis, as one step that nothing interleaves.
type script struct{ text, sum string }

func newScript(text string) script {
	sum := sha1.Sum([]byte(text)) // Redis names scripts so
	return script{text, hex.EncodeToString(sum[:])}
}

// run sends only the script's name, and the text when Redis does not know it,
// as after a restart.
func (s script) run(ctx context.Context, c *redis.Client, keys []string, args ...any) (int64, error) {
	n, err := c.EvalSha(ctx, s.sum, keys, args...).Int64()
	if err != nil && strings.HasPrefix(err.Error(), "NOSCRIPT") {
		n, err = c.Eval(ctx, s.text, keys, args...).Int64()
	}
	return n, err
}

// call is one run of a script.
type call struct {
	keys []string
	args []any
}

// runAll runs a script many times in one round trip; the results do not matter.
func (s script) runAll(ctx context.Context, c *redis.Client, calls []call) error {
	send := func() error {
		pipe := c.Pipeline()
		for _, one := range calls {
			pipe.EvalSha(ctx, s.sum, one.keys, one.args...)
		}
		_, err := pipe.Exec(ctx) // the first error of them
		return err
	}
	err := send()
	if err == nil || !strings.HasPrefix(err.Error(), "NOSCRIPT") {
		return err
	}
	if err := c.ScriptLoad(ctx, s.text).Err(); err != nil {
		return err
	}
	return send()
}

// A limit is a sorted set of leases by the time they end. Its queue is two
// more: the waiting by their arrival (:q), and by the time until which they
// count as waiting, because they ask again before (:s). All times are the
// server's, in milliseconds.
const now = `local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`

// take: KEYS are the limits' sets; ARGV is the lease's name, its life, how long it
// counts as waiting, and each set's limit. It takes a lease of every set
// and returns 0, or of none and returns the number of the first that is full or
// has older ones waiting for all that is left.
const takeText = now + `local id, life, wait = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local blocker = 0
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', key .. ':s', '-inf', now)) do
    redis.call('ZREM', key .. ':s', gone)
    redis.call('ZREM', key .. ':q', gone)
  end
  local ahead = redis.call('ZRANK', key .. ':q', id) or redis.call('ZCARD', key .. ':q')
  if redis.call('ZCARD', key) + ahead >= tonumber(ARGV[3 + i]) then
    redis.call('ZADD', key .. ':q', 'NX', now, id)
    redis.call('ZADD', key .. ':s', now + wait, id)
    redis.call('PEXPIRE', key .. ':q', life)
    redis.call('PEXPIRE', key .. ':s', life)
    if blocker == 0 then blocker = i end
  end
end
if blocker > 0 then return blocker end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + life, id)
  redis.call('PEXPIRE', key, life)
  redis.call('ZREM', key .. ':q', id)
  redis.call('ZREM', key .. ':s', id)
end
return 0
`

// renew: KEYS is one set; ARGV is the life and the leases' names. Leases that
// Redis has lost, or never heard of, are there again.
const renewText = now + `for i = 2, #ARGV do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[1]))
return #ARGV - 1
`

// drop: KEYS are the sets; ARGV is the name of a lease that is held or waited for.
const dropText = `local n = 0
for _, key in ipairs(KEYS) do
  n = n + redis.call('ZREM', key, ARGV[1])
  redis.call('ZREM', key .. ':q', ARGV[1])
  redis.call('ZREM', key .. ':s', ARGV[1])
end
return n
`
