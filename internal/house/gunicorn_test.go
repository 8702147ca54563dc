package house

import (
	"os"
	"strings"
	"testing"
)

// gunicornNames are the settings and hooks of Gunicorn 26.1 (gunicorn/config.py)
// and the signals of its manual.
const gunicornNames = `
config wsgi_app bind backlog workers worker_class threads worker_connections max_requests max_requests_jitter timeout
graceful_timeout keepalive limit_request_line limit_request_fields limit_request_field_size reload reload_engine
reload_extra_files spew check_config print_config preload_app sendfile reuse_port chdir daemon raw_env pidfile
worker_tmp_dir user group umask initgroups tmp_upload_dir pythonpath paste paste_global secure_scheme_headers
forwarded_allow_ips forwarder_headers header_map accesslog access_log_format errorlog loglevel capture_output
logger_class logconfig logconfig_dict logconfig_json enable_stdio_inheritance syslog syslog_addr syslog_prefix
syslog_facility disable_redirect_access_to_syslog statsd_host statsd_prefix dogstatsd_tags enable_backlog_metric
proc_name default_proc_name proxy_protocol proxy_allow_ips protocol uwsgi_allow_ips keyfile certfile ssl_version
cert_reqs ca_certs suppress_ragged_eofs do_handshake_on_connect ciphers http_protocols http2_cleartext
http2_max_concurrent_streams http2_initial_window_size http2_max_frame_size http2_max_header_list_size
permit_obsolete_folding strip_header_spaces permit_unconventional_http_method permit_unconventional_http_version
casefold_http_method asgi_loop asgi_lifespan asgi_disconnect_grace_period http_parser root_path dirty_apps
dirty_workers dirty_timeout dirty_threads dirty_graceful_timeout control_socket control_socket_mode
control_socket_disable
on_starting on_reload when_ready pre_fork post_fork post_worker_init worker_int worker_abort pre_exec pre_request
post_request child_exit worker_exit nworkers_changed on_exit ssl_context on_dirty_starting dirty_post_fork
dirty_worker_init dirty_worker_exit
HUP USR1 USR2 TTIN TTOU WINCH TERM INT QUIT CHLD ABRT`

// TestGunicornPageIsComplete: whoever migrates finds each name.
func TestGunicornPageIsComplete(t *testing.T) {
	page, err := os.ReadFile("../../docs/gunicorn.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(gunicornNames) {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/gunicorn.md says nothing of `%s`", name)
		}
	}
}
