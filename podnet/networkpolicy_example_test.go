package podnet_test

import (
	"context"
	"fmt"
	"log"

	"podnet.dev/podnet"
)

// A test of policies needs no traffic: ask who may connect, and learn which rule
// says so.
func ExampleCluster_Allowed() {
	ctx := context.Background()
	cluster, err := podnet.NewCluster(podnet.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	start := func(name string) *podnet.Pod {
		pod, err := cluster.StartPod(ctx, podnet.PodSpec{
			Name: name, Labels: map[string]string{"app": name},
			Containers: []podnet.ContainerSpec{{Name: "main", Run: func(ctx context.Context, _ *podnet.Container) error { <-ctx.Done(); return nil }}},
		})
		if err != nil {
			log.Fatal(err)
		}
		return pod
	}
	db, api, web := start("db"), start("api"), start("web")

	port := podnet.Port(5432)
	err = cluster.Apply(ctx, podnet.NetworkPolicySpec{
		Name:        "db",
		PodSelector: podnet.LabelSelector{MatchLabels: map[string]string{"app": "db"}},
		Ingress: []podnet.NetworkPolicyIngressRule{{
			From:  []podnet.NetworkPolicyPeer{{PodSelector: &podnet.LabelSelector{MatchLabels: map[string]string{"app": "api"}}}},
			Ports: []podnet.NetworkPolicyPort{{Port: &port}},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cluster.Allowed(api, db, podnet.ProtocolTCP, 5432).Ingress.Reason)
	fmt.Println(cluster.Allowed(web, db, podnet.ProtocolTCP, 5432))
	// Output:
	// allowed by ingress[0] of default/db
	// denied: selected by default/db, and no ingress rule of it allows TCP 5432 from default/web (10.244.0.4)
}
