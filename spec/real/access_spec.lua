-- A real libvirtd that lets in only who knows a password, or has a certificate.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

-- A libvirtd with those lines in its configuration: a to-be-closed value, or nil and why this machine has none.
local function daemon(name, conf, options)
  local dir = ("%s/%s"):format(helper.scratch(), name)
  local code, out, err = helper.run(("env %s DAEMON_CONF=%s DAEMON_OPTIONS=%s spec/support/daemon up %s $PPID"):format(options.env or "",
    helper.quoted(conf), helper.quoted(options.options or ""), dir))
  if code == 77 then
    return nil, (err:gsub("%s+$", ""))
  end
  assert(code == 0, err)
  return setmetatable({ uri = (out:gsub("\n$", "")) }, { __close = function()
    helper.run("spec/support/daemon down " .. dir)
  end })
end

local function run(command)
  local code, _, err = helper.run("sh -c " .. helper.quoted(command))
  assert(code == 0, err)
end

describe("A libvirtd", function()
  helper.leaves_nothing()

  it("that asks for a password by SASL gets it", function()
    local sasl = helper.scratch()
    if not os.execute("PATH=$PATH:/usr/sbin; command -v saslpasswd2 >/dev/null") then
      pending("no saslpasswd2: install the package sasl2-bin")
      return
    end
    local file <close> = assert(io.open(sasl .. "/libvirt.conf", "w"))
    file:write("mech_list: scram-sha-256\npwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: ", sasl, "/db\n")
    file:flush()
    run(("echo seamwork | PATH=$PATH:/usr/sbin saslpasswd2 -p -c -a libvirt -f %s/db operator"):format(sasl))
    local place <close>, missing = daemon("sasl", 'auth_unix_rw = "sasl"\nauth_unix_ro = "sasl"\nunix_sock_rw_perms = "0700"',
      { env = "SASL_CONF_PATH=" .. sasl })
    if not place then
      pending(missing)
      return
    end
    local e = helper.failure(guestlua.open, place.uri)
    assert.equal("auth_failed", e.kind)
    assert.matches("^it asks for: authname, passphrase%.", e.hint)
    e = helper.failure(guestlua.open, place.uri, { auth = { authname = "operator", passphrase = "mistaken" } })
    assert.equal("auth_failed", e.kind)
    local host <close> = guestlua.open(place.uri, { auth = { authname = "operator", passphrase = "seamwork" } })
    assert.same({}, host:guests())
    host:reconnect()
    assert.same({}, host:guests())
    -- the process that takes back what a killed one has frozen gets in with the same answers
    local journal = sasl .. "/journal"
    local child <close> = faults.start([[
      local uri, journal = ...
      guestlua.journal({ dir = journal })
      local host = guestlua.open(uri, { auth = { authname = "operator", passphrase = "seamwork" } })
      local guest = { host = host, name = "gone", uuid = "5e7f1d44-0f0e-4c3b-8a54-6f9c3a1f2b10" }
      require("guestlua.guest.guard").record("frozen", guest, { id = 1 })
      local dog <close> = assert(require("guestlua.guest.watchdog").start(guest))
      print("ready") io.stdout:flush()
      guestlua.sleep(1000)
    ]], { args = { place.uri, journal } })
    helper.await(function()
      return os.execute("grep -q ready " .. child.dir .. "/out 2>/dev/null") or io.open(child.dir .. "/code")
    end, "it is not ready")
    assert.is_true(#core.list_directory(journal) > 0)
    child:kill()
    assert.equal(128 + 9, (child:wait()))
    helper.await(function() return not os.execute(("ls %s | grep -q json"):format(journal)) end, "nobody recovers it")
    -- libvirt's own file serves those that cannot be asked
    local conf = sasl .. "/auth.conf"
    local own <close> = assert(io.open(conf, "w"))
    own:write("[credentials-x]\nauthname=operator\npassword=seamwork\n[auth-libvirt-default]\ncredentials=x\n")
    own:flush()
    local code, out, err = helper.guestlua(("-c %s -e 'print(#guestlua.open():guests())'"):format(helper.quoted(place.uri .. "&authfile=" .. conf)))
    assert.same({ 0, "0\n" }, { code, out }, err)
  end)

  it("that wants certificates takes those that its authority has signed", function()
    local pki = helper.scratch()
    if not os.execute("command -v openssl >/dev/null") then
      pending("no openssl: install the package openssl")
      return
    end
    run(([[cd %s && mkdir server client other && for ca in ca other/ca; do
      openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=guestlua -keyout ${ca}key.pem -out ${ca}cert.pem; done 2>err &&
      sign() { openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout $1key.pem -out $1.csr 2>>err &&
        printf 'subjectAltName=IP:127.0.0.1\n' >ext && openssl x509 -req -in $1.csr -CA $3cacert.pem -CAkey $3cakey.pem -CAcreateserial -days 2 \
          -extfile ext -out $1cert.pem 2>>err; } &&
      sign server/server 127.0.0.1 "" && sign client/client operator "" && sign other/client stranger other/ &&
      cp cacert.pem client && cp cacert.pem server && cp cacert.pem other/cacert.pem]]):format(pki))
    local uv = require("luv")
    local probe = uv.new_tcp()
    probe:bind("127.0.0.1", 0)
    local port = probe:getsockname().port
    probe:close()
    local place <close>, missing = daemon("tls", ('listen_tls = 1\nlisten_tcp = 0\nlisten_addr = "127.0.0.1"\ntls_port = "%d"\n'
      .. 'key_file = "%s/server/serverkey.pem"\ncert_file = "%s/server/servercert.pem"\nca_file = "%s/cacert.pem"\n'
      .. 'auth_tls = "none"\nauth_unix_rw = "none"')
      :format(port, pki, pki, pki), { options = "--listen" })
    if not place then
      pending(missing)
      return
    end
    local uri = ("qemu+tls://127.0.0.1:%d/system?pkipath=%s/"):format(port, pki)
    do
      local host <close> = helper.await(function() -- its socket is there before it listens for TLS
        local ok, opened = pcall(guestlua.open, uri .. "client")
        return ok and opened
      end, "it does not let a client in")
      assert.same({}, host:guests())
    end
    local e = helper.failure(guestlua.open, uri .. "other")
    assert.equal("open", e.op)
    e = helper.failure(guestlua.open, uri .. "server") -- has no certificate of a client
    assert.equal("open", e.op)
    assert.equal("Host", (tostring(guestlua.open(uri .. "client")):match("^<(%w+)")))
  end)
end)
