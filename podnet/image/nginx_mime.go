package image

import "strings"

// nginxTypes are the types of nginx's mime.types by extension, for what people
// serve.
var nginxTypes = map[string]string{
	"html": "text/html", "htm": "text/html", "shtml": "text/html", "css": "text/css", "xml": "text/xml", "gif": "image/gif",
	"jpeg": "image/jpeg", "jpg": "image/jpeg", "js": "application/javascript", "atom": "application/atom+xml", "rss": "application/rss+xml",
	"mml": "text/mathml", "txt": "text/plain", "jad": "text/vnd.sun.j2me.app-descriptor", "wml": "text/vnd.wap.wml", "htc": "text/x-component",
	"avif": "image/avif", "png": "image/png", "svg": "image/svg+xml", "svgz": "image/svg+xml", "tif": "image/tiff", "tiff": "image/tiff",
	"webp": "image/webp", "ico": "image/x-icon", "bmp": "image/x-ms-bmp", "woff": "font/woff", "woff2": "font/woff2",
	"jar": "application/java-archive", "war": "application/java-archive", "ear": "application/java-archive", "json": "application/json",
	"doc": "application/msword", "pdf": "application/pdf", "ps": "application/postscript", "eps": "application/postscript",
	"rtf": "application/rtf", "m3u8": "application/vnd.apple.mpegurl", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
	"wasm": "application/wasm", "7z": "application/x-7z-compressed", "rar": "application/x-rar-compressed", "rpm": "application/x-redhat-package-manager",
	"swf": "application/x-shockwave-flash", "pem": "application/x-x509-ca-cert", "crt": "application/x-x509-ca-cert", "der": "application/x-x509-ca-cert",
	"xhtml": "application/xhtml+xml", "zip": "application/zip", "mid": "audio/midi", "midi": "audio/midi", "mp3": "audio/mpeg", "ogg": "audio/ogg",
	"m4a": "audio/x-m4a", "3gp": "video/3gpp", "ts": "video/mp2t", "mp4": "video/mp4", "mpeg": "video/mpeg", "mpg": "video/mpeg",
	"mov": "video/quicktime", "webm": "video/webm", "flv": "video/x-flv", "m4v": "video/x-m4v", "avi": "video/x-msvideo",
}

// nginxType is the type of a file by its name's extension.
func nginxType(name string) string {
	name = base(name)
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		if t, ok := nginxTypes[strings.ToLower(name[i+1:])]; ok {
			return t
		}
	}
	return "application/octet-stream"
}
