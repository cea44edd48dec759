// The programs of cert-manager, for the end-to-end bed.
//
// Its repository keeps controller, cainjector and webhook in modules of their own, which no Go module proxy serves. What they consist of
// lies in the main module, and is put together here as they do it: one program under three names. It reads the flags that the chart gives,
// and refuses all others.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	ctrl "sigs.k8s.io/controller-runtime"

	logf "github.com/cert-manager/cert-manager/pkg/logs"
)

var programs = map[string]func(ctx context.Context, arguments []string) error{
	"cert-manager-cainjector": runInjector,
	"cert-manager-controller": runController,
	"cert-manager-webhook":    runWebhook,
}

func main() {
	name := filepath.Base(os.Args[0])
	run, known := programs[name]
	if !known {
		fmt.Fprintf(os.Stderr, "%s is none of cert-manager's programs\n", name)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := logf.Log.WithName(name)
	ctrl.SetLogger(log)
	if err := run(logf.NewContext(ctx, log), os.Args[1:]); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serveHealth answers /healthz at an address until the end.
func serveHealth(ctx context.Context, group *errgroup.Group, address string) {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(answer http.ResponseWriter, _ *http.Request) { answer.WriteHeader(http.StatusOK) })
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	group.Go(server.ListenAndServe)
	group.Go(func() error {
		<-ctx.Done()
		return server.Close()
	})
}
