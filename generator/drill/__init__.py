"""Drills: a throw-away control plane on loopback that shows whether a backup brings a cluster's secrets back.

cluster     etcd, an API server and the sealed-secrets controller, started and removed
api         that API server, as a program sees it
identity    the certificate, the token and the keys of one drill
objects     the few objects that are made before the sealed manifests
report      what a drill found, for people
"""
