@cluster @disruptive
Feature: What fails is named, and passes
  As an operator
  I want failures to be named, survived and over when their cause is gone
  so that nobody has to search at night, and nothing is lost.

  @EC-2
  Scenario: A name that no Service has is called that
    Given the application is installed by its chart
    And a place inside the cluster to look from
    When "todo-backend-service" is called at port 8000
    Then the call fails at the name, because no Service has it
    And the message names the Services that there are

  @EC-2
  Scenario Outline: A Service that <leads wrong> is named
    Given the application is installed by its chart
    And a place inside the cluster to look from
    And an account
    When the Service of the backend <leads wrong>
    Then a call of it fails at the connection, because <reason>
    And the frontend tells its callers which Service it cannot reach
    When that is put right
    Then the backend answers at its name

    Examples:
      | leads wrong                          | reason               |
      | selects pods that do not exist       | nobody is behind it  |
      | leads to a port where nobody listens | nobody listens there |

  @EC-3
  Scenario: What the cluster has no room for is refused within seconds
    Given the application is installed by its chart
    When it is installed once more, asking for more memory than any node has
    Then within 30 seconds it is reported that its pods find no place
    And the report says what was asked for and what is free
    And the first installation has not been touched

  @EC-4
  Scenario Outline: A <role> that dies comes back, and the reason is told
    Given the application is installed by its chart
    When the process of the <role> is killed
    Then it is ready again within 30 seconds
    And the restart is reported with its reason and the last words before it
    When the pod of the <role> is deleted
    Then another is ready within 30 seconds

    Examples:
      | role     |
      | backend  |
      | frontend |

  @EC-4
  Scenario: With two of each, requests go on while one of them dies
    Given the application is installed by its chart
    And an account with a todo
    And 2 pods of each role
    When requests for the todo go on
    And the process of the backend is killed
    Then it is ready again within 30 seconds
    When the pod of the backend is deleted
    Then another is ready within 30 seconds
    When the pod of the frontend is deleted
    Then another is ready within 30 seconds
    And each request has been answered with the todo

  @EC-5
  Scenario Outline: While the database <fails>, everything waits and nothing is lost
    Given the application is installed by its chart
    And a place inside the cluster to look from
    And an account with a todo
    When the database <fails>
    Then whoever asks for todos is refused with a reason, within 15 seconds
    And backend and frontend are not ready, without being started again
    And they are alive, so that nobody starts them again later
    When the database answers again
    Then backend and frontend are ready by themselves within 60 seconds
    And the todo is still there

    Examples:
      | fails                         |
      | is stopped                    |
      | falls silent                  |
      | refuses encrypted connections |
      | has no connection left        |

  @EC-5
  Scenario: A database that is slow to start is waited for
    Given the application is installed by its chart
    And an account with a todo
    When the database is stopped
    And backend and frontend are started anew
    Then for 5 seconds they are not ready, without being started again
    When the database answers again
    Then backend and frontend are ready by themselves within 60 seconds
    And the todo is still there

  @EC-5
  Scenario: The database is restarted, and nobody has to do anything
    Given the application is installed by its chart
    And an account with a todo
    When the database is restarted
    Then backend and frontend are ready by themselves within 60 seconds
    And the todo is still there
