package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/sets"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	"github.com/cert-manager/cert-manager/internal/apis/config/controller/scheme"
	defaults "github.com/cert-manager/cert-manager/internal/apis/config/controller/v1alpha1"
	configv1alpha1 "github.com/cert-manager/cert-manager/pkg/apis/config/controller/v1alpha1"
	"github.com/cert-manager/cert-manager/pkg/controller"
	_ "github.com/cert-manager/cert-manager/pkg/controller/acmechallenges"
	_ "github.com/cert-manager/cert-manager/pkg/controller/acmeorders"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/ingresses"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/acme"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	_ "github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	"github.com/cert-manager/cert-manager/pkg/controller/configfile"
	_ "github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/acme"
	dnsutil "github.com/cert-manager/cert-manager/pkg/issuer/acme/dns/util"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
)

// runController runs the controllers of an installation whose issuers are the cluster's own authority and ACME, without the election of a
// leader: the bed has one pod of it.
func runController(ctx context.Context, arguments []string) error {
	settings, err := controllerSettings(arguments)
	if err != nil {
		return err
	}
	nameservers := settings.ACMEDNS01Config.RecursiveNameservers
	if len(nameservers) == 0 {
		nameservers = dnsutil.RecursiveNameservers
	}
	factory, err := controller.NewContextFactory(ctx, controller.ContextOptions{
		KubernetesAPIQPS:   settings.KubernetesAPIQPS,
		KubernetesAPIBurst: settings.KubernetesAPIBurst,
		Namespace:          settings.Namespace,
		ACMEOptions: controller.ACMEOptions{
			HTTP01SolverImage:       settings.ACMEHTTP01Config.SolverImage,
			DNS01Nameservers:        nameservers,
			DNS01CheckRetryPeriod:   settings.ACMEDNS01Config.CheckRetryPeriod,
			DNS01CheckAuthoritative: !settings.ACMEDNS01Config.RecursiveNameserversOnly,
		},
		SchedulerOptions: controller.SchedulerOptions{MaxConcurrentChallenges: settings.MaxConcurrentChallenges},
		IssuerOptions:    controller.IssuerOptions{ClusterResourceNamespace: settings.ClusterResourceNamespace},
		CertificateOptions: controller.CertificateOptions{
			EnableOwnerRef:                           settings.EnableCertificateOwnerRef,
			CopiedAnnotationPrefixes:                 settings.CopiedAnnotationPrefixes,
			CertificateRequestMinimumBackoffDuration: settings.CertificateRequestMinimumBackoffDuration,
			CertificateRequestMaximumBackoffDuration: settings.CertificateRequestMaximumBackoffDuration,
		},
	})
	if err != nil {
		return err
	}
	return runControllers(ctx, factory, settings)
}

func runControllers(ctx context.Context, factory *controller.ContextFactory, settings *config.ControllerConfiguration) error {
	shared, err := factory.Build()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	serveHealth(ctx, group, healthAddress)
	enabled := sets.New(defaults.DefaultEnabledControllers...)
	for name, construct := range controller.Known() {
		if !enabled.Has(name) {
			continue
		}
		one, err := construct(factory)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		group.Go(func() error { return one.Run(settings.NumberOfConcurrentWorkers, ctx) })
	}
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	shared.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	return group.Wait()
}

// controllerSettings reads the file that --config names, or the defaults, and then the flags, which count more.
func controllerSettings(arguments []string) (*config.ControllerConfiguration, error) {
	first := flagsOf("cert-manager-controller")
	file := addControllerFlags(first, &config.ControllerConfiguration{})
	if err := first.Parse(arguments); err != nil {
		return nil, err
	}
	settings, err := controllerDefaults(*file)
	if err != nil {
		return nil, err
	}
	flags := flagsOf("cert-manager-controller")
	addControllerFlags(flags, settings)
	return settings, flags.Parse(arguments)
}

func controllerDefaults(file string) (*config.ControllerConfiguration, error) {
	if file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		read := configfile.New()
		return read.Config, read.DecodeAndConfigure(content)
	}
	schemes, _, err := scheme.NewSchemeAndCodecs()
	if err != nil {
		return nil, err
	}
	versioned, settings := &configv1alpha1.ControllerConfiguration{}, &config.ControllerConfiguration{}
	schemes.Default(versioned)
	return settings, schemes.Convert(versioned, settings, nil)
}
