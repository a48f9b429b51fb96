Feature: Images that cannot be built
  As a developer
  I want to be told at once which image fails, where and why
  so that nothing is deployed from sources that are broken.

  @EC-1
  Scenario Outline: The <app> cannot be built: <defect>
    Given a copy of the sources of the <app>
    But its <defect>
    When these sources are to be deployed
    Then it ends before anything is brought to a cluster
    And the message names the image of the <app> and the instruction "<instruction>"
    And the cause that it names is "<cause>"

    Examples: a file is missing
      | app      | defect                         | instruction            | cause                               |
      | backend  | file requirements.lock is gone | COPY requirements.lock | does not exist in the build context |
      | frontend | file next.config.ts is gone    | COPY tsconfig.json     | does not exist in the build context |

    Examples: a dependency cannot be had
      | app      | defect                                           | instruction                               | cause                    |
      | backend  | lock file wants fastapi in a version nobody made | RUN --mount=type=secret,id=ca_bundle      | there is no version of fastapi |
      | frontend | package file and lock file disagree              | RUN --mount=type=cache,id=todo-frontend-npm | can only install packages |

    Examples: the Dockerfile is wrong
      | app      | defect                             | instruction               | cause                         |
      | backend  | Dockerfile has an unknown keyword  | WORKDIRR /app             | unknown instruction: WORKDIRR |
      | frontend | Dockerfile runs an unknown program | RUN nodee                 | nodee: not found              |
