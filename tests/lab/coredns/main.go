// CoreDNS with the plugins that the rendered Corefile and the lab's own one name, built as its documentation says for
// a set of plugins of one's own. All of them would bring the clients of four clouds, Kubernetes and etcd, which take
// longer to compile than everything else.
package main

import (
	_ "github.com/coredns/coredns/plugin/acl"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/metrics"

	"github.com/coredns/coredns/coremain"
)

func main() {
	coremain.Run()
}
