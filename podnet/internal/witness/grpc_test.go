package witness

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"podnet.dev/podnet"
)

// testService is gRPC's own service for such tests.
type testService struct {
	pb.UnimplementedTestServiceServer
}

// UnaryCall returns the payload, and the caller's address as its user name.
func (testService) UnaryCall(ctx context.Context, in *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	from, _ := peer.FromContext(ctx)
	return &pb.SimpleResponse{Payload: in.Payload, Username: from.Addr.String()}, nil
}

// EmptyCall hangs until the call ends.
func (testService) EmptyCall(ctx context.Context, _ *pb.Empty) (*pb.Empty, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// FullDuplexCall answers each message with its payload.
func (testService) FullDuplexCall(stream pb.TestService_FullDuplexCallServer) error {
	for {
		in, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&pb.StreamingOutputCallResponse{Payload: in.Payload}); err != nil {
			return err
		}
	}
}

// serveGRPC is the Program of a gRPC server on port 50051. It dies with exit
// code 1, as a crash does, when it receives from crash.
func serveGRPC(crash <-chan struct{}, opts ...grpc.ServerOption) podnet.Program {
	return func(ctx context.Context, c *podnet.Container) error {
		l, err := c.Listen("tcp", ":50051")
		if err != nil {
			return err
		}
		srv := grpc.NewServer(opts...)
		pb.RegisterTestServiceServer(srv, testService{})
		healthy := health.NewServer()
		healthy.SetServingStatus("app", grpc_health_v1.HealthCheckResponse_SERVING)
		grpc_health_v1.RegisterHealthServer(srv, healthy)
		served := make(chan error, 1)
		go func() { served <- srv.Serve(l) }()
		sayReady(c)
		select {
		case <-crash:
			return podnet.ExitError{Code: 1}
		case <-ctx.Done():
			srv.Stop()
			<-served
			return nil
		}
	}
}

// dialGRPC returns a client over the sockets of c, closed with the test.
func dialGRPC(t *testing.T, c *podnet.Container, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	opts = append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return c.DialContext(ctx, "tcp", address) }),
	}, opts...)
	// passthrough: the name is looked up in the container.
	conn, err := grpc.NewClient("passthrough:///localhost:50051", opts...)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestGRPCUnaryStreamingAndHealth(t *testing.T) {
	for name, secure := range map[string]bool{"bare": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			inBoth(t, func(t *testing.T) {
				var server []grpc.ServerOption
				var client []grpc.DialOption
				if secure {
					ca := newAuthority(t)
					server = append(server, grpc.Creds(credentials.NewTLS(ca.server(t))))
					client = append(client, grpc.WithTransportCredentials(credentials.NewTLS(ca.client())))
				}
				conn := dialGRPC(t, startPair(t, serveGRPC(nil, server...)), client...)
				service := pb.NewTestServiceClient(conn)
				ctx := t.Context()

				payload, err := io.ReadAll(noise(1, 1<<20))
				require.NoError(t, err)
				out, err := service.UnaryCall(ctx, &pb.SimpleRequest{Payload: &pb.Payload{Body: payload}})
				require.NoError(t, err)
				assert.True(t, string(payload) == string(out.Payload.Body))
				assert.Contains(t, out.Username, "[::1]:", "the peer's address has the usual text")

				stream, err := service.FullDuplexCall(ctx)
				require.NoError(t, err)
				const n = 2000
				go func() { // sends ahead of what it receives
					for range n {
						if stream.Send(&pb.StreamingOutputCallRequest{Payload: &pb.Payload{Body: payload[:1000]}}) != nil {
							return
						}
					}
					stream.CloseSend()
				}()
				for range n {
					in, err := stream.Recv()
					require.NoError(t, err)
					require.Len(t, in.Payload.Body, 1000)
				}
				_, err = stream.Recv()
				assert.Equal(t, io.EOF, err)

				checks := grpc_health_v1.NewHealthClient(conn)
				check, err := checks.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "app"})
				require.NoError(t, err)
				assert.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, check.Status)
				_, err = checks.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "other"})
				assert.Equal(t, codes.NotFound, status.Code(err))
				_, err = service.UnimplementedCall(ctx, &pb.Empty{})
				assert.Equal(t, codes.Unimplemented, status.Code(err))
			})
		})
	}
}

func TestGRPCDeadlineExceeded(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		service := pb.NewTestServiceClient(dialGRPC(t, startPair(t, serveGRPC(nil))))
		wait := 100 * time.Millisecond
		if isBubble() {
			wait = time.Hour
		}
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		_, err := service.EmptyCall(ctx, &pb.Empty{})
		assert.Equal(t, codes.DeadlineExceeded, status.Code(err))
		took(t, wait, start)
	})
}

func TestGRPCNobodyListens(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		conn := dialGRPC(t, startPod(t, nil).Container("client"))
		_, err := pb.NewTestServiceClient(conn).UnaryCall(t.Context(), &pb.SimpleRequest{})
		assert.Equal(t, codes.Unavailable, status.Code(err))
		assert.ErrorContains(t, err, "dial tcp [::1]:50051: connect: connection refused")
	})
}

// A server crashes twice. The kubelet starts it again at once and then after 10
// seconds; the client tries at its own times, and both clocks are the bubble's.
func TestGRPCClientFindsTheRestartedServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crash := make(chan struct{})
		pod := startPodThat(t, podnet.RestartPolicyAlways, map[string]podnet.Program{"server": serveGRPC(crash)})
		c := pod.Container("client")
		var start time.Time
		var dials []string
		conn := dialGRPC(t, c,
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: time.Second, Multiplier: 2, MaxDelay: time.Minute}}),
			grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
				conn, err := c.DialContext(ctx, "tcp", address)
				outcome := "connected"
				if err != nil {
					outcome = err.Error()
				}
				dials = append(dials, time.Since(start).String()+" "+outcome)
				return conn, err
			}))
		service := pb.NewTestServiceClient(conn)
		call := func() error {
			_, err := service.UnaryCall(t.Context(), &pb.SimpleRequest{}, grpc.WaitForReady(true))
			return err
		}
		start = time.Now()
		require.NoError(t, call())
		assert.Equal(t, []string{"0s connected"}, dials)

		stream, err := service.FullDuplexCall(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Minute)
		start, dials = time.Now(), nil
		crash <- struct{}{}
		_, err = stream.Recv()
		assert.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
		synctest.Wait() // the kubelet has started it again
		require.NoError(t, call())
		assert.Equal(t, []string{"0s connected"}, dials)

		start, dials = time.Now(), nil
		crash <- struct{}{}
		synctest.Wait()
		assert.Equal(t, "CrashLoopBackOff", pod.Status().Columns.Status)
		assert.Equal(t, connectivity.Idle, conn.GetState())
		require.NoError(t, call())
		const refused = " dial tcp [::1]:50051: connect: connection refused"
		assert.Equal(t, []string{"0s" + refused, "1s" + refused, "3s" + refused, "7s" + refused, "15s connected"}, dials)
		assert.Equal(t, 2, pod.Container("server").Status().RestartCount)
	})
}

// A client pings a connection that is silent, and drops it when its peer does
// not answer: here a listener that accepts and reads nothing.
func TestGRPCKeepalive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		params := keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 3 * time.Second, PermitWithoutStream: true}
		alive := dialGRPC(t, startPair(t, serveGRPC(nil, grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}))),
			grpc.WithKeepaliveParams(params))
		_, err := pb.NewTestServiceClient(alive).UnaryCall(t.Context(), &pb.SimpleRequest{})
		require.NoError(t, err)
		time.Sleep(10 * time.Minute) // 60 pings
		assert.Equal(t, connectivity.Ready, alive.GetState())

		frozen := make(chan struct{})
		var server net.Conn
		dead := dialGRPC(t, startPair(t, func(ctx context.Context, c *podnet.Container) error {
			l, err := c.Listen("tcp", ":50051")
			if err != nil {
				return err
			}
			sayReady(c)
			server, err = l.Accept()
			if err != nil {
				return err
			}
			io.WriteString(server, "\x00\x00\x00\x04\x00\x00\x00\x00\x00") // empty SETTINGS: the client is ready
			<-frozen
			return nil
		}), grpc.WithKeepaliveParams(params))
		start := time.Now()
		_, err = pb.NewTestServiceClient(dead).UnaryCall(t.Context(), &pb.SimpleRequest{})
		assert.Equal(t, codes.Unavailable, status.Code(err))
		assert.ErrorContains(t, err, "keepalive ping failed to receive ACK within timeout")
		assert.Equal(t, 13*time.Second, time.Since(start))
		close(frozen)
	})
}
