package witness

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"podnet.dev/podnet"
)

func newSSHKey(t *testing.T) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromSigner(key)
	require.NoError(t, err)
	return signer
}

// serveSSH is the Program of an SSH server on port 22 that lets in the user
// root with the password "secret". It knows the commands "echo", "cat" and
// "false", and forwards connections to the Pod's own ports.
func serveSSH(key ssh.Signer) podnet.Program {
	return func(ctx context.Context, c *podnet.Container) error {
		conf := &ssh.ServerConfig{PasswordCallback: func(meta ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if meta.User() == "root" && string(password) == "secret" {
				return nil, nil
			}
			return nil, fmt.Errorf("wrong password")
		}}
		conf.AddHostKey(key)
		l, err := c.Listen("tcp", ":22")
		if err != nil {
			return err
		}
		sayReady(c)
		stop := context.AfterFunc(ctx, func() { l.Close() })
		defer stop()
		for {
			raw, err := l.Accept()
			if err != nil {
				return nil
			}
			go func() {
				conn, channels, requests, err := ssh.NewServerConn(raw, conf)
				if err != nil {
					raw.Close()
					return
				}
				defer conn.Close()
				go ssh.DiscardRequests(requests)
				for ch := range channels {
					go serveSSHChannel(c, ch)
				}
			}()
		}
	}
}

func serveSSHChannel(c *podnet.Container, ch ssh.NewChannel) {
	switch ch.ChannelType() {
	case "session":
		channel, requests, err := ch.Accept()
		if err != nil {
			return
		}
		defer channel.Close()
		for r := range requests {
			if r.Type != "exec" {
				r.Reply(false, nil)
				continue
			}
			var exec struct{ Command string }
			r.Reply(ssh.Unmarshal(r.Payload, &exec) == nil, nil)
			name, rest, _ := strings.Cut(exec.Command, " ")
			var exit struct{ Status uint32 }
			switch name {
			case "echo":
				io.WriteString(channel, rest+"\n")
			case "cat":
				io.Copy(channel, channel)
			default:
				io.WriteString(channel.Stderr(), name+": no such command\n")
				exit.Status = 127
			}
			channel.CloseWrite()
			channel.SendRequest("exit-status", false, ssh.Marshal(&exit))
			return
		}
	case "direct-tcpip":
		var to struct {
			Host  string
			Port  uint32
			From  string
			FromP uint32
		}
		if err := ssh.Unmarshal(ch.ExtraData(), &to); err != nil {
			ch.Reject(ssh.ConnectionFailed, err.Error())
			return
		}
		target, err := c.Dial("tcp", fmt.Sprintf("%s:%d", to.Host, to.Port))
		if err != nil {
			ch.Reject(ssh.ConnectionFailed, err.Error())
			return
		}
		defer target.Close()
		channel, requests, err := ch.Accept()
		if err != nil {
			return
		}
		defer channel.Close()
		go ssh.DiscardRequests(requests)
		go func() {
			io.Copy(target, channel)
			target.(interface{ CloseWrite() error }).CloseWrite()
		}()
		io.Copy(channel, target)
	default:
		ch.Reject(ssh.UnknownChannelType, "no "+ch.ChannelType())
	}
}

// dialSSH logs in over a socket of c.
func dialSSH(t *testing.T, c *podnet.Container, key ssh.PublicKey, password string) (*ssh.Client, error) {
	t.Helper()
	raw, err := c.Dial("tcp", "localhost:22")
	require.NoError(t, err)
	conn, channels, requests, err := ssh.NewClientConn(raw, "localhost:22", &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.Password(password)}, HostKeyCallback: ssh.FixedHostKey(key), Timeout: time.Minute,
	})
	if err != nil {
		raw.Close()
		return nil, err
	}
	client := ssh.NewClient(conn, channels, requests)
	t.Cleanup(func() { client.Close() })
	return client, nil
}

func TestSSHRunsCommandsAndCopies(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		key := newSSHKey(t)
		c := startPair(t, serveSSH(key))
		client, err := dialSSH(t, c, key.PublicKey(), "secret")
		require.NoError(t, err)
		session := func() *ssh.Session {
			s, err := client.NewSession()
			require.NoError(t, err)
			return s
		}
		out, err := session().Output("echo hello there")
		require.NoError(t, err)
		assert.Equal(t, "hello there\n", string(out))

		_, err = session().CombinedOutput("frobnicate")
		var exit *ssh.ExitError
		require.ErrorAs(t, err, &exit)
		assert.Equal(t, 127, exit.ExitStatus())

		const n, size = 8, 2 << 20 // both ways at once, over one connection
		want := digest(t, noise(1, size))
		done := make(chan error)
		for range n {
			s := session()
			s.Stdin = noise(1, size)
			stdout, err := s.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, s.Start("cat"))
			go func() {
				assert.Equal(t, want, digest(t, stdout))
				done <- s.Wait()
			}()
		}
		for range n {
			assert.NoError(t, <-done)
		}
	})
}

// ssh -L: a connection through the server's container to its neighbour.
func TestSSHForwardsAPort(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		key := newSSHKey(t)
		pod := startPod(t, map[string]podnet.Program{"server": serveSSH(key), "redis": serveRedis})
		client, err := dialSSH(t, pod.Container("client"), key.PublicKey(), "secret")
		require.NoError(t, err)
		conn, err := client.Dial("tcp", "localhost:6379")
		require.NoError(t, err)
		_, err = io.WriteString(conn, "*1\r\n$4\r\nPING\r\n")
		require.NoError(t, err)
		pong := make([]byte, 7)
		_, err = io.ReadFull(conn, pong)
		require.NoError(t, err)
		assert.Equal(t, "+PONG\r\n", string(pong))
		conn.Close()
		_, err = client.Dial("tcp", "localhost:9")
		assert.ErrorContains(t, err, "dial tcp [::1]:9: connect: connection refused")
	})
}

func TestSSHRefusesAWrongPasswordAndAWrongHost(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		key := newSSHKey(t)
		c := startPair(t, serveSSH(key))
		_, err := dialSSH(t, c, key.PublicKey(), "guess")
		assert.ErrorContains(t, err, "unable to authenticate")
		_, err = dialSSH(t, c, newSSHKey(t).PublicKey(), "secret")
		assert.ErrorContains(t, err, "host key mismatch")
	})
}
