# The benchmark's answers for Ruby servers; see app.py.
body = %({"status":"ok","worker":0,"generation":1,"uptime_seconds":12.345}\n).freeze
plain = { "Content-Type" => "application/json", "Content-Length" => body.bytesize.to_s }.freeze

run lambda { |env|
  headers = plain
  headers = headers.merge("X-Worker-Pid" => Process.pid.to_s) unless env["PATH_INFO"] == "/"
  [200, headers.dup, [body]]
}
