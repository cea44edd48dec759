package main

import (
	"github.com/spf13/pflag"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	webhook "github.com/cert-manager/cert-manager/internal/apis/config/webhook"
)

// Where the programs answer the bed whether they run: the addresses of the chart's probes are the same in all pods.
const (
	healthAddress         = "127.0.0.1:18190"
	injectorHealthAddress = "127.0.0.1:18191"
)

// flagsOf returns the flags that all programs take.
func flagsOf(name string) *pflag.FlagSet {
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	flags.Int("v", 0, "how much is logged; all of it is")
	return flags
}

// addControllerFlags adds the flags of the controller that the chart gives, and returns the one that names a file.
func addControllerFlags(flags *pflag.FlagSet, settings *config.ControllerConfiguration) *string {
	flags.StringVar(&settings.ClusterResourceNamespace, "cluster-resource-namespace", settings.ClusterResourceNamespace, "")
	flags.StringVar(&settings.LeaderElectionConfig.Namespace, "leader-election-namespace", settings.LeaderElectionConfig.Namespace, "")
	flags.StringVar(&settings.ACMEHTTP01Config.SolverImage, "acme-http01-solver-image", settings.ACMEHTTP01Config.SolverImage, "")
	flags.IntVar(&settings.MaxConcurrentChallenges, "max-concurrent-challenges", settings.MaxConcurrentChallenges, "")
	flags.BoolVar(&settings.EnableCertificateOwnerRef, "enable-certificate-owner-ref", settings.EnableCertificateOwnerRef, "")
	dns01 := &settings.ACMEDNS01Config
	flags.StringSliceVar(&dns01.RecursiveNameservers, "dns01-recursive-nameservers", dns01.RecursiveNameservers, "")
	flags.BoolVar(&dns01.RecursiveNameserversOnly, "dns01-recursive-nameservers-only", dns01.RecursiveNameserversOnly, "")
	return flags.String("config", "", "")
}

// addWebhookFlags adds the flags of the webhook that the chart gives.
func addWebhookFlags(flags *pflag.FlagSet, settings *webhook.WebhookConfiguration) {
	flags.Int32Var(&settings.SecurePort, "secure-port", settings.SecurePort, "")
	dynamic := &settings.TLSConfig.Dynamic
	flags.StringVar(&dynamic.SecretNamespace, "dynamic-serving-ca-secret-namespace", dynamic.SecretNamespace, "")
	flags.StringVar(&dynamic.SecretName, "dynamic-serving-ca-secret-name", dynamic.SecretName, "")
	flags.StringSliceVar(&dynamic.DNSNames, "dynamic-serving-dns-names", dynamic.DNSNames, "")
}
