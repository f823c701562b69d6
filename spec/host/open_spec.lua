-- Getting in: what a host asks for, and hosts that do not answer.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local screen = require("spec.support.screen")

describe("guestlua.open", function()
  local directory, uri
  setup(function()
    directory = helper.scratch()
    local file <close> = assert(io.open(directory .. "/node.xml", "w"))
    file:write("<node><auth><user password='seamwork'>root</user></auth></node>")
    uri = "test://" .. directory .. "/node.xml"
  end)
  helper.leaves_nothing()

  it("answers from a table or a function, and knows the answers when it is opened again", function()
    local known <close> = guestlua.open(uri, { auth = { authname = "root", passphrase = "seamwork" } })
    known:reconnect()
    assert.is_true(known:is_alive())
    local asked = {}
    local host <close> = guestlua.open(uri, { auth = function(ask)
      asked[#asked + 1] = ask
      return ask.secret and "seamwork" or "root"
    end })
    assert.equal(uri, host.uri)
    assert.same({ "authname", "passphrase" }, { asked[1].type, asked[2].type })
    assert.same({ false, true, "localhost" }, { asked[1].secret, asked[2].secret, asked[1].challenge })
    assert.matches("^Enter username", asked[1].prompt)
    local printed = require("guestlua.core").printable("it is seamwork")
    assert.equal("it is ***", printed)
  end)

  it("says what is asked for, and asks nobody by itself", function()
    local e = helper.failure(guestlua.open, uri)
    assert.same({ "auth_failed", "open" }, { e.kind, e.op })
    assert.matches("^it asks for: authname%. ", e.hint)
    e = helper.failure(guestlua.open, uri, { auth = { authname = "root" } })
    assert.matches("^it asks for: passphrase%. ", e.hint)
    e = helper.failure(guestlua.open, uri, { auth = { authname = "root", passphrase = "wrong" } })
    assert.matches("authentication failed", e.message)
    e = helper.failure(guestlua.open, uri, { auth = { user = "root" } })
    assert.matches("nothing asks for 'user': there are authname, passphrase, realm, ", e.message)
    assert.not_matches("hunter2", helper.failure(guestlua.open, "test:///default", { auth = { hunter2 = "x" } }).message)
    e = helper.failure(guestlua.open, uri, { auth = function() return 1 end })
    assert.same({ "bad_argument", "auth" }, { e.kind, e.argument })
    e = helper.failure(guestlua.open, uri, { auth = function() error("from the script", 0) end })
    assert.equal("from the script", e)
    local code, _, err = helper.run("setsid -w " .. helper.interpreter .. " -c " .. uri .. " -e 'guestlua.open()' </dev/null")
    assert.equal(1, code)
    assert.matches("it asks for: authname", err)
  end)

  it("asks at the terminal in the command, without showing a password", function()
    local view <close> = screen.start(("%s -c %s -e 'print(guestlua.open().uri)'"):format(helper.interpreter, uri), { columns = 120 })
    view:shows("Enter username for localhost:")
    view:type("root\n")
    view:shows("Enter root's password for localhost:")
    view:type("seamwork\n")
    view:shows(uri)
    assert.is_nil(view:text():find("seamwork", 1, true))
    assert.equal(0, view:exit_code())
    local stopped <close> = screen.start(("%s -c %s -e 'guestlua.open()'; stty -a"):format(helper.interpreter, uri), { columns = 120 })
    stopped:shows("Enter username")
    stopped:type("root\n")
    stopped:shows("password for localhost:")
    stopped:key("C-c")
    assert.matches(" echo ", stopped:matches("icanon"):gsub("\n", " "), 1, true) -- as it was
  end)

  -- It would ask at the terminal, or wait for ever.
  it("has ssh ask nothing, and says what to do instead", function()
    local ssh = directory .. "/ssh"
    for _, case in ipairs({
      { "Host key verification failed.", "accept the key" }, { "root@h: Permission denied (publickey,password).", "ssh%-copy%-id" },
    }) do
      do
        local file <close> = assert(io.open(ssh, "w"))
        file:write(("#!/bin/sh\necho \"$@\" >%s.args\nhead -c 1 >/dev/null\necho '%s' >&2\nexit 255\n"):format(ssh, case[1]))
      end
      assert(os.execute("chmod +x " .. ssh))
      for _, query in ipairs({ "?command=" .. ssh, "?keyfile=/none&command=" .. ssh .. "#x" }) do
        local e = helper.failure(guestlua.open, "qemu+ssh://h/system" .. query)
        assert.matches(case[2], e.hint, 1, false, tostring(e))
        assert.is_nil(e.host:find("no_tty", 1, true))
        local file <close> = assert(io.open(ssh .. ".args"))
        assert.matches("BatchMode=yes", file:read("a"))
      end
      helper.failure(guestlua.open, "qemu+ssh://h/system?no_tty=0&command=" .. ssh)
      local file <close> = assert(io.open(ssh .. ".args"))
      assert.is_nil(file:read("a"):find("BatchMode", 1, true)) -- as its user wants it
    end
  end)

  it("gives up a host that accepts and never speaks", function()
    local uv = require("luv")
    local server, clients = uv.new_tcp(), {}
    server:bind("127.0.0.1", 0)
    server:listen(16, function()
      clients[#clients + 1] = uv.new_tcp()
      server:accept(clients[#clients])
    end)
    local e = helper.failure(guestlua.open, ("qemu+tcp://127.0.0.1:%d/system"):format(server:getsockname().port), { timeout = 0.5 })
    assert.same({ "timeout", "open", true }, { e.kind, e.op, e.still_running })
    for _, client in ipairs(clients) do
      client:close()
    end
    server:close()
    helper.await(function() return guestlua.alive().ops == 0 end, "the end of the attempt", 60)
  end)
end)
