package podnet_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"podnet.dev/podnet"
)

// Two containers of one Pod find each other on localhost.
func Example() {
	cluster, err := podnet.NewCluster(podnet.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()

	web := func(ctx context.Context, c *podnet.Container) error {
		l, err := c.Listen("tcp", "127.0.0.1:8080")
		if err != nil {
			return err
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "hello from %s", c.Name())
		})}
		context.AfterFunc(ctx, func() { srv.Close() })
		srv.Serve(l)
		return nil
	}
	idle := func(ctx context.Context, c *podnet.Container) error {
		<-ctx.Done()
		return nil
	}
	ctx := context.Background()
	pod, err := cluster.StartPod(ctx, podnet.PodSpec{
		Name:       "shop",
		Containers: []podnet.ContainerSpec{{Name: "web", Run: web}, {Name: "sidecar", Run: idle}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pod.WaitListening(ctx, 8080); err != nil {
		fmt.Println(err)
		return
	}
	resp, err := pod.Container("sidecar").HTTPClient().Get("http://localhost:8080/")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(string(body))
	fmt.Println(pod.IP())

	_, err = pod.Container("sidecar").Listen("tcp", ":8080")
	fmt.Println(err)
	// Output:
	// hello from web
	// 10.244.0.2
	// listen tcp :8080: bind: address already in use
}

func ExampleContainer_Exec() {
	greeter := func(ctx context.Context, c *podnet.Container) error {
		if len(c.Command()) > 0 { // what Exec asks for
			fmt.Fprintln(c.Stdout(), "you said", c.Command())
			return podnet.ExitError{Code: 3}
		}
		<-ctx.Done()
		return nil
	}
	cluster, _ := podnet.NewCluster(podnet.Config{Images: map[string]podnet.Program{"greeter": greeter}})
	defer cluster.Close()
	ctx := context.Background()
	pod, _ := cluster.StartPod(ctx, podnet.PodSpec{Name: "p", Containers: []podnet.ContainerSpec{{Name: "main", Image: "greeter:v1"}}})
	result, err := pod.Container("main").Exec(ctx, "good", "morning")
	fmt.Printf("%q %d %v\n", result.Stdout, result.ExitCode, err)
	// Output: "you said [good morning]\n" 3 <nil>
}

func ExamplePod_Wait() {
	cluster, _ := podnet.NewCluster(podnet.Config{})
	defer cluster.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pod, _ := cluster.StartPod(ctx, podnet.PodSpec{Name: "p", Containers: []podnet.ContainerSpec{{
		Name: "main",
		Run:  func(context.Context, *podnet.Container) error { return podnet.ExitError{Code: 7} },
	}}})
	// Restarted at once, it fails again and must wait.
	err := pod.Wait(ctx, func(s podnet.PodStatus) bool { return s.Columns.Status == "CrashLoopBackOff" })
	status := pod.Container("main").Status()
	fmt.Println(err, status.RestartCount, status.LastTermination.ExitCode)
	// Output: <nil> 1 7
}
