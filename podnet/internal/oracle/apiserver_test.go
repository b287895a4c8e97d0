package oracle

import (
	"context"
	"crypto/tls"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/api/service"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/discovery"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	discoveryvalidation "k8s.io/kubernetes/pkg/apis/discovery/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/registry/networking/networkpolicy"
	"sigs.k8s.io/yaml"
)

// decoder reads as the API server does for kubectl: strictly, with defaults, into
// its internal types.
var decoder = serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict).UniversalDecoder()

// ofAPIServer is what the API server says of an object that is to be created. It
// does what the strategies of pkg/registry/core do, which themselves would bring
// half of Kubernetes along.
func ofAPIServer(text string) verdict {
	json, err := yaml.YAMLToJSONStrict([]byte(text)) // kubectl sends JSON
	if err != nil {
		return verdict{unreadable: err}
	}
	object, _, err := decoder.Decode(json, nil, nil)
	if err != nil {
		return verdict{unreadable: err}
	}
	var errs field.ErrorList
	var warnings []string
	switch o := object.(type) {
	case *core.Pod:
		errs, warnings = createPod(o)
	case *core.ConfigMap:
		setNamespace(&o.Namespace)
		errs = validation.ValidateConfigMap(o)
	case *core.Secret:
		setNamespace(&o.Namespace)
		errs = validation.ValidateSecret(o)
		if o.Type == core.SecretTypeTLS {
			if _, err := tls.X509KeyPair(o.Data[core.TLSCertKey], o.Data[core.TLSPrivateKeyKey]); err != nil {
				warnings = append(warnings, err.Error())
			}
		}
	case *apps.Deployment:
		errs, warnings = createDeployment(o)
	case *apps.StatefulSet:
		errs, warnings = createStatefulSet(o)
	case *core.Namespace:
		o.Namespace = "" // as for everything that is in no namespace
		errs = validation.ValidateNamespace(o)
	case *networking.NetworkPolicy:
		setNamespace(&o.Namespace)
		errs = networkingvalidation.ValidateNetworkPolicy(o, networkingvalidation.ValidationOptionsForNetworking(o, nil))
		if len(errs) == 0 {
			warnings = networkpolicy.Strategy.WarningsOnCreate(context.Background(), o)
		}
	case *core.Service:
		errs, warnings = createService(o)
	case *discovery.EndpointSlice:
		errs, warnings = createEndpointSlice(o)
	default:
		return verdict{unreadable: fmt.Errorf("a %T", o)}
	}
	v := verdict{warnings: warnings}
	for _, err := range errs {
		v.errors = append(v.errors, err.Error())
	}
	if len(v.errors) > 0 {
		v.warnings = nil
	}
	return v
}

func createPod(pod *core.Pod) (field.ErrorList, []string) {
	setNamespace(&pod.Namespace)
	podutil.DropDisabledPodFields(pod, nil)
	options := podutil.GetValidationOptionsFromPodSpecAndMeta(&pod.Spec, nil, &pod.ObjectMeta, nil)
	options.ResourceIsPod = true
	errs := validation.ValidatePodCreate(pod, options)
	var warnings []string
	if msgs := utilvalidation.IsDNS1123Label(pod.Name); len(msgs) > 0 {
		warnings = append(warnings, fmt.Sprintf("metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: %v", msgs))
	}
	if len(errs) == 0 { // some warnings need a valid Pod
		warnings = append(warnings, podutil.GetWarningsForPod(context.Background(), pod, nil)...)
	}
	return errs, warnings
}

// createService is told what the API server says once it has given out what is
// to be given out.
func createService(s *core.Service) (field.ErrorList, []string) {
	setNamespace(&s.Namespace)
	if s.Spec.ClusterIP != "" && len(s.Spec.ClusterIPs) == 0 {
		s.Spec.ClusterIPs = []string{s.Spec.ClusterIP}
	}
	if service.NeedsHealthCheck(s) && s.Spec.HealthCheckNodePort == 0 {
		s.Spec.HealthCheckNodePort = 30000
	}
	errs := validation.ValidateServiceCreate(s)
	errs = append(errs, validation.ValidateLoadBalancerStatus(&s.Status.LoadBalancer, nil, field.NewPath("status", "loadBalancer"), &s.Spec)...)
	if len(errs) > 0 {
		return errs, nil
	}
	return nil, service.GetWarningsForService(s, nil)
}

func createEndpointSlice(s *discovery.EndpointSlice) (field.ErrorList, []string) {
	setNamespace(&s.Namespace)
	if errs := discoveryvalidation.ValidateEndpointSliceCreate(s); len(errs) > 0 {
		return errs, nil
	}
	if s.AddressType == discovery.AddressTypeFQDN {
		return nil, []string{"spec.addressType: FQDN endpoints are deprecated"}
	}
	var warnings []string
	for i, e := range s.Endpoints {
		for j, ip := range e.Addresses {
			warnings = append(warnings, utilvalidation.GetWarningsForIP(field.NewPath("endpoints").Index(i).Child("addresses").Index(j), ip)...)
		}
	}
	return nil, warnings
}

func createDeployment(d *apps.Deployment) (field.ErrorList, []string) {
	setNamespace(&d.Namespace)
	podutil.DropDisabledTemplateFields(&d.Spec.Template, nil)
	errs := appsvalidation.ValidateDeployment(d, podutil.GetValidationOptionsFromPodTemplate(&d.Spec.Template, nil))
	var warnings []string
	if msgs := utilvalidation.IsDNS1123Label(d.Name); len(msgs) > 0 {
		warnings = append(warnings, fmt.Sprintf("metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: %v", msgs))
	}
	return errs, append(warnings, warningsForTemplate(errs, &d.Spec.Template)...)
}

func createStatefulSet(s *apps.StatefulSet) (field.ErrorList, []string) {
	setNamespace(&s.Namespace)
	podutil.DropDisabledTemplateFields(&s.Spec.Template, nil)
	errs := appsvalidation.ValidateStatefulSet(s, appsvalidation.StatefulSetValidationOptions{}, podutil.GetValidationOptionsFromPodTemplate(&s.Spec.Template, nil))
	return errs, warningsForTemplate(errs, &s.Spec.Template)
}

func warningsForTemplate(errs field.ErrorList, template *core.PodTemplateSpec) []string {
	if len(errs) > 0 { // some warnings need a valid Pod
		return nil
	}
	return podutil.GetWarningsForPodTemplate(context.Background(), field.NewPath("spec", "template"), template, nil)
}

// setNamespace sets the namespace of the request.
func setNamespace(namespace *string) {
	if *namespace == "" {
		*namespace = "default"
	}
}
