-- bootstrap on distributions that are not Debian, and Lua 5.4 by the names that they have for it. This machine has one distribution: the package
-- managers of the others are stand-ins, which answer which packages are installed and nothing else.

local helper = require("spec.support.helper")

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

describe("bootstrap", function()
  -- Its exit code and both outputs, with nothing in PATH but the programs that it runs anywhere, and these: name -> the script's text.
  local function bootstrap(target, programs)
    local bin = helper.scratch()
    for _, name in ipairs({ "awk", "cat", "dirname", "nproc", "sed", "sh" }) do
      assert.is_true(os.execute(("ln -s $(command -v %s) %s/"):format(name, bin)))
    end
    programs.make = 'echo make "$@"'
    for name, text in pairs(programs) do
      write(bin .. "/" .. name, "#!/bin/sh\n" .. text .. "\n")
      assert.is_true(os.execute("chmod 755 " .. bin .. "/" .. name))
    end
    local command = "env PATH=%s sh bootstrap %s"
    return helper.run(command:format(bin, target))
  end

  local cases = {
    dnf = { ask = "rpm", add = "dnf install", lua = "lua lua-devel", is_not = "%-dev%f[%s%z]" },
    zypper = { ask = "rpm", add = "zypper install", lua = "lua54 lua54-devel", is_not = "%-dev%f[%s%z]" },
    apk = { add = "apk add", lua = "lua5.4 lua5.4-dev", is_not = "pkg%-config" },
    pacman = { add = "pacman -S", lua = "lua54", is_not = "%-dev%f[%s%z]" },
  }

  for manager, case in pairs(cases) do
    describe("with " .. manager, function()
      it("names what is missing, and from where the rest comes", function()
        local code, out, err = bootstrap("check", { [manager] = "exit 1", [case.ask or manager] = "exit 1" })
        assert.same({ 1, "" }, { code, out })
        local packages, rocks, after = err:match("^[^\n]* As root: ([^\n]*)\nFrom luarocks, for Lua 5%.4: ([^\n]*)\nThen run: ([^\n]*)\n$")
        assert.is_truthy(packages, err)
        assert.same({ "busted luacheck luv lua-cjson", "make check" }, { rocks, after })
        assert.is_truthy((packages .. " "):find(case.add .. " gcc make pkgconf", 1, true), packages)
        assert.is_truthy((packages .. " "):find(" " .. case.lua .. " ", 1, true), packages)
        for _, other in ipairs({ "libvirt", "xz", "zstd", "qemu", "busybox" }) do
          assert.is_truthy(packages:find("%f[%w]" .. other), packages)
        end
        for _, debian in ipairs({ "libvirt%-daemon%-system", "liblua", "libuv1", "lintian", "debhelper", "linux%-image", case.is_not }) do
          assert.not_matches(debian, packages)
        end
        local seen = {}
        for name in packages:gmatch("%S+") do
          assert.is_nil(seen[name], name)
          seen[name] = true
        end
      end)

      it("runs make when nothing is missing", function()
        local code, out, err = bootstrap("demo", { [manager] = "exit 0", [case.ask or manager] = "exit 0" })
        assert.same({ 0, "" }, { code, err })
        assert.matches("^make %-j%d+ demo\n$", out)
      end)
    end)
  end

  it("installs again a package that has lost a program", function()
    local programs = {
      ["apt-get"] = 'echo "$@" >&2',
      ["dpkg-query"] = [[case $1$2 in
        -W*) echo install ok installed ;;
        -Lqemu-utils) printf '%s\n' /usr/bin/env /usr/share/gone ;;
        -Lqemu-guest-agent) echo /usr/sbin/gone ;;
        esac]],
      grep = 'exec /bin/grep "$@"',
      id = "echo 0",
      mktemp = "exec /bin/mktemp",
      rm = 'exec /bin/rm "$@"',
      env = 'exec /usr/bin/env PATH="$PATH" "$@"',
    }
    local code, out = bootstrap("shell", programs)
    assert.equal(0, code)
    assert.matches("^bootstrap: installing qemu%-guest%-agent\nmake ", out)
  end)

  it("without a package manager that it knows names Debian's packages", function()
    local code, out, err = bootstrap("demo", {})
    assert.same({ 1, "" }, { code, out })
    assert.matches("^bootstrap: there is none of apt%-get, .*then run: make demo\n  gcc\n.*\n  xz%-utils\n", err)
  end)
end)

describe("The Makefile", function()
  local pc = read((assert(io.popen("pkg-config --variable=pcfiledir lua5.4")):read()) .. "/lua5.4.pc")

  -- The name for pkg-config and the interpreter that it finds where pkg-config knows these: name -> version.
  local function found(versions, path)
    local directory = helper.scratch()
    for name, version in pairs(versions) do
      write(("%s/%s.pc"):format(directory, name), (pc:gsub("\nVersion:[^\n]*", "\nVersion: " .. version)))
    end
    local code, out, err = helper.run(("env -u MAKEFLAGS -u MFLAGS PKG_CONFIG_LIBDIR=%s PATH=%s make -s --eval=%s found"):format(directory,
      path or '"$PATH"', helper.quoted("found: ; @echo '$(LUA_PACKAGE) $(LUA)'")))
    assert.same({ 0, "" }, { code, err })
    return (out:gsub("\n$", ""))
  end

  it("finds Lua 5.4 by the name that pkg-config has for it", function()
    for _, name in ipairs({ "lua5.4", "lua-5.4", "lua54", "lua" }) do
      assert.matches("^" .. name:gsub("%p", "%%%0") .. " ", found({ [name] = "5.4.4" }))
    end
    assert.matches("^lua54 ", found({ lua = "5.5.0", lua54 = "5.4.7" }))
    assert.matches("^lua5%.4 ", found({ lua = "5.1.5" })) -- which pkg-config then says is not there
  end)

  it("finds the interpreter, which has to be of that version", function()
    local bin = helper.scratch()
    local programs = { lua54 = "lua5.4", lua = "lua5.3", echo = "/bin/echo", make = "make", sh = "sh", sed = "sed", find = "find", sort = "sort" }
    for name, at in pairs(programs) do
      assert.is_true(os.execute(("ln -s $(command -v %s) %s/%s"):format(at, bin, name)))
    end
    assert.matches(" lua54$", found({}, bin))
  end)
end)
