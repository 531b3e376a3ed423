// `s init` calls this once src/ is in place. It turns the answers into .env, which s.yaml reads. `s init` hides what a hook throws:
// whatever goes wrong is said here.
exports.postInit = async ({ appPath, artTemplate, fs }) => {
  const [questions, example, env] = ['.env.questions', '.env.example', '.env'].map((name) => `${appPath}/${name}`)
  const firstLine = (err) => String(err?.message ?? err).trim().split('\n')[0]
  try {
    let unanswered
    try {
      artTemplate('.env.questions')
    } catch (err) { // for one, s init -y asks nothing
      unanswered = err
    }
    fs.copySync(unanswered ? example : questions, env)
    fs.chmodSync(env, 0o600) // it may hold secrets
    if (unanswered) {
      console.warn(`Warning: ${env} is a copy of .env.example, without answers: edit it before s deploy. (s init -y asks for none; otherwise: ${firstLine(unanswered)})`)
    }
  } catch (err) {
    console.error(`Error: ${env} is missing or incomplete (${firstLine(err)}). Copy .env.example over it, chmod 600, and edit it before s deploy.`)
  } finally {
    fs.removeSync(questions)
  }
}
