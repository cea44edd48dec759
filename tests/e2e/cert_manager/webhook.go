package main

import (
	"context"

	config "github.com/cert-manager/cert-manager/internal/apis/config/webhook"
	"github.com/cert-manager/cert-manager/internal/apis/config/webhook/scheme"
	"github.com/cert-manager/cert-manager/internal/webhook"
	configv1alpha1 "github.com/cert-manager/cert-manager/pkg/apis/config/webhook/v1alpha1"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
)

// runWebhook judges and completes what is written of cert-manager's kinds; its certificate is of an authority of its own, in a Secret.
func runWebhook(ctx context.Context, arguments []string) error {
	schemes, _, err := scheme.NewSchemeAndCodecs()
	if err != nil {
		return err
	}
	versioned, settings := &configv1alpha1.WebhookConfiguration{}, &config.WebhookConfiguration{}
	schemes.Default(versioned)
	if err := schemes.Convert(versioned, settings, nil); err != nil {
		return err
	}
	flags := flagsOf("cert-manager-webhook")
	addWebhookFlags(flags, settings)
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	settings.MetricsListenAddress = "0"
	server, err := webhook.NewCertManagerWebhookServer(logf.FromContext(ctx), *settings)
	if err != nil {
		return err
	}
	return server.Run(ctx)
}
