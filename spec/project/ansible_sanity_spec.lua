-- What ansible-test says of the collection, as far as it needs nothing from a network.

local helper = require("spec.support.helper")

-- Their requirements come by pip. Of these, validate-modules runs below with what Debian has.
local BY_PIP = { "ansible-doc", "import", "pep8", "pylint", "runtime-metadata", "validate-modules", "yamllint" }

local VALIDATE = "/usr/lib/python3/dist-packages/ansible_test/_util/controller/sanity/validate-modules/validate.py"

describe("The Ansible collection's sanity", function()
  local directory, collection
  setup(function()
    directory = helper.scratch()
    collection = directory .. "/ansible_collections/guestlua/guestlua"
    assert(os.execute(("mkdir -p %s && cp -r packaging/ansible/guestlua/guestlua/. %s"):format(collection, collection)))
  end)
  teardown(function()
    os.execute("rm -rf " .. directory)
  end)

  local function run(command)
    return helper.run(("sh -c 'cd %s && exec env HOME=%s PYTHONDONTWRITEBYTECODE=1 ANSIBLE_COLLECTIONS_PATH=%s %s'"):format(collection, directory,
      directory, command))
  end

  it("is as ansible-test has it", function()
    if not os.execute("command -v ansible-test >/dev/null") then
      return pending("no ansible-test: install the package ansible-core")
    end
    local _, version = run("/usr/bin/python3 --version")
    local code, out, err = run(("ansible-test sanity --color no --python %s --skip-test %s"):format(version:match("%d+%.%d+"),
      table.concat(BY_PIP, " --skip-test ")))
    assert.equal(0, code, out .. err)
    assert.matches('Running sanity test "compile"', out .. err)
  end)

  it("has documentation that fits the arguments", function()
    local code, _, why = run(("/usr/bin/python3 %s --help"):format(VALIDATE))
    if code ~= 0 then -- newer ones need antsibull_docs_parser as well
      return pending("no validate-modules: install the packages ansible-core and python3-voluptuous: " .. (why:match("([^\n]*)\n*$") or ""))
    end
    for kind, options in pairs({ modules = "", inventory = "--plugin-type inventory" }) do
      local _, out, err = run(("/usr/bin/python3 %s --arg-spec --collection ansible_collections/guestlua/guestlua %s plugins/%s/*.py"):format(
        VALIDATE, options, kind))
      local said = {}
      for line in (out .. err):gmatch("[^\n]+") do
        said[#said + 1] = not line:find("missing-gplv3-license", 1, true) and line or nil
      end
      assert.same({}, said)
      assert.matches("missing%-gplv3%-license", out .. err) -- it did look
    end
  end)
end)
