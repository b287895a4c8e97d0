package image

import (
	"fmt"

	"podnet.dev/podnet"
)

// nginxVersion is the release whose behaviour this is.
const nginxVersion = "1.29.3"

const (
	nginxRoot      = "/usr/share/nginx/html"
	nginxConf      = "/etc/nginx/nginx.conf"
	nginxSite      = "/etc/nginx/conf.d/default.conf"
	nginxAccessLog = "/var/log/nginx/access.log"
	nginxErrorLog  = "/var/log/nginx/error.log"
	nginxPidFile   = "/run/nginx.pid"
)

const nginxIndex = `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>This page is the web server's own. Put another index.html into its place
and it will serve that.</p>
</body>
</html>
`

const nginx50x = `<!DOCTYPE html>
<html>
<head>
<title>Error</title>
</head>
<body>
<h1>An error occurred.</h1>
<p>The page cannot be shown at present. Please try again later.</p>
</body>
</html>
`

// The two configuration files say what nginx.go does. They are for the reader:
// the server does not read them, and refuses to start with others.
const nginxConfText = `user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;

events {
    worker_connections  1024;
}

http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;
    access_log  /var/log/nginx/access.log  combined;
    sendfile        on;
    keepalive_timeout  65;
    include /etc/nginx/conf.d/*.conf;
}
`

const nginxSiteText = `server {
    listen       80;
    listen  [::]:80;
    server_name  localhost;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }

    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}
`

// nginxImage is nginx's own image, the variant on Alpine, with curl.
func nginxImage() *userland {
	u := newUserland("nginx", map[string]command{
		"curl":                 {run: curl, dir: "/usr/bin"},
		"nginx":                {run: nginx, dir: "/usr/sbin", signals: true},
		"docker-entrypoint.sh": {run: nginxEntrypoint, dir: "/", signals: true},
	}, "nginx", "-g", "daemon off;")
	u.entrypoint = []string{"/docker-entrypoint.sh"}
	u.files = func(root *podnet.FS) error {
		for name, text := range map[string]string{
			nginxRoot + "/index.html": nginxIndex, nginxRoot + "/50x.html": nginx50x, nginxConf: nginxConfText, nginxSite: nginxSiteText,
		} {
			if err := newFile(root, name, text, 0o644); err != nil {
				return err
			}
		}
		if err := root.MkdirAll("/var/log/nginx", 0o755); err != nil {
			return err
		}
		if err := newLink(root, "/dev/stdout", nginxAccessLog); err != nil {
			return err
		}
		return newLink(root, "/dev/stderr", nginxErrorLog)
	}
	return u
}

// checkConfig refuses a configuration that is not the image's own: to serve by
// another than the one given would be worse than not to serve.
func (n *nginxServer) checkConfig() error {
	for _, f := range []struct{ name, text string }{{nginxConf, nginxConfText}, {nginxSite, nginxSiteText}} {
		data, err := n.FS().ReadFile(f.name)
		if err != nil {
			return fmt.Errorf("open() %q failed (2: %s)", f.name, strerror(err))
		}
		if string(data) != f.text {
			return fmt.Errorf("podnet's nginx reads no configuration: %s is not the image's own", f.name)
		}
	}
	entries, err := n.FS().ReadDir("/etc/nginx/conf.d")
	if err != nil {
		return fmt.Errorf("open() \"/etc/nginx/conf.d\" failed (2: %s)", strerror(err))
	}
	for _, e := range entries {
		if e.Name() != "default.conf" {
			return fmt.Errorf("podnet's nginx reads no configuration: /etc/nginx/conf.d/%s is not the image's own", e.Name())
		}
	}
	return nil
}
