package witness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// serveRedis is the Program of a Redis server on port 6379.
func serveRedis(ctx context.Context, c *podnet.Container) error {
	l, err := c.Listen("tcp", ":6379")
	if err != nil {
		return err
	}
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	pipe, err := m.Dial() // its way to start a server that does not listen by itself
	if err != nil {
		return err
	}
	pipe.Close()
	defer m.Close()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	sayReady(c)
	for {
		conn, err := l.Accept()
		if err != nil {
			return nil
		}
		m.Server().ServeConn(conn)
	}
}

// dialRedis returns a client over the sockets of c, closed with the test.
func dialRedis(t *testing.T, c *podnet.Container) *redis.Client {
	client := redis.NewClient(&redis.Options{
		Addr:   "localhost:6379",
		Dialer: c.DialContext,
	})
	t.Cleanup(func() { client.Close() })
	return client
}

func TestRedisValuesPipelinesAndPool(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		c := startPair(t, serveRedis)
		client := dialRedis(t, c)
		ctx := t.Context()
		big := strings.Repeat("0123456789abcdef", 1<<16)
		require.NoError(t, client.Set(ctx, "key", big, 0).Err())
		got, err := client.Get(ctx, "key").Result()
		require.NoError(t, err)
		assert.True(t, big == got)
		assert.Equal(t, redis.Nil, client.Get(ctx, "none").Err())
		assert.EqualError(t, client.Incr(ctx, "key").Err(), "ERR value is not an integer or out of range")

		replies, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range 1000 {
				p.IncrBy(ctx, "sum", int64(i))
			}
			return nil
		})
		require.NoError(t, err)
		assert.EqualValues(t, 999*1000/2, replies[999].(*redis.IntCmd).Val())

		done := make(chan error)
		for i := range 8 {
			go func() {
				for j := range 50 {
					if err := client.HSet(ctx, "hash", fmt.Sprint(i, "/", j), j).Err(); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range 8 {
			assert.NoError(t, <-done)
		}
		assert.EqualValues(t, 400, client.HLen(ctx, "hash").Val())
	})
}

func TestRedisPublishAndSubscribe(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		c := startPair(t, serveRedis)
		client := dialRedis(t, c)
		sub := client.Subscribe(t.Context(), "news")
		defer sub.Close()
		_, err := sub.Receive(t.Context()) // the confirmation
		require.NoError(t, err)
		messages := sub.Channel()
		for i := range 100 {
			require.NoError(t, client.Publish(t.Context(), "news", i).Err())
		}
		for i := range 100 {
			assert.Equal(t, fmt.Sprint(i), (<-messages).Payload)
		}
	})
}

// An hour of waiting, by the server's clock and by the client's.
func TestRedisBlockingCallsAndExpiryInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startPair(t, serveRedis)
		client := dialRedis(t, c)
		ctx := t.Context()

		start := time.Now()
		assert.Equal(t, redis.Nil, client.BLPop(ctx, time.Hour, "queue").Err())
		assert.Equal(t, time.Hour, time.Since(start))

		start = time.Now()
		go func() {
			time.Sleep(40 * time.Minute)
			client.RPush(ctx, "queue", "work")
		}()
		got, err := client.BLPop(ctx, time.Hour, "queue").Result()
		require.NoError(t, err)
		assert.Equal(t, []string{"queue", "work"}, got)
		assert.Equal(t, 40*time.Minute, time.Since(start))

		require.NoError(t, client.Set(ctx, "lease", "mine", time.Minute).Err())
		time.Sleep(59 * time.Second)
		assert.Equal(t, time.Second, client.TTL(ctx, "lease").Val())
		time.Sleep(time.Second)
		assert.Equal(t, redis.Nil, client.Get(ctx, "lease").Err())
	})
}

func TestRedisServerIsAway(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		err := dialRedis(t, startPod(t, nil).Container("client")).Ping(t.Context()).Err()
		var op *net.OpError
		require.True(t, errors.As(err, &op), "%v", err)
		assert.EqualError(t, op, "dial tcp [::1]:6379: connect: connection refused")
	})
}
