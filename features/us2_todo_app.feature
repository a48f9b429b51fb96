@cluster
Feature: Todos, from the browser to the database
  As a person with things to do
  I want to keep my todos in a web page
  so that I find them again, whatever happens behind it.

  @US2.2 @FR-003 @SC-003
  Scenario: A person keeps todos
    Given the application is installed by its chart
    And a person who opens it in a browser
    When the person signs up
    And adds the todo "Water the plants"
    And adds the todo "Call the bank"
    Then the list shows "Water the plants" and "Call the bank"
    When the person completes "Water the plants"
    And renames "Call the bank" to "Write to the bank"
    And reloads the page
    Then "Water the plants" is completed
    And the list shows "Write to the bank"
    When the person deletes "Water the plants"
    And reloads the page
    Then the list shows "Write to the bank" only
    And the database holds exactly these todos of the person
    And the page has reported no error

  @US2.2
  Scenario: A person signs out and in again
    Given the application is installed by its chart
    And a person who opens it in a browser
    When the person signs up
    And adds the todo "Come back"
    And signs out
    Then the todos are out of sight
    When the person signs in again
    Then the list shows "Come back" only

  @US2.2
  Scenario: The assistant adds a todo
    Given the application is installed by its chart
    And a person who opens it in a browser
    When the person signs up
    And asks the assistant "Add a task to buy milk"
    Then the assistant answers
    And the list shows a todo about "milk"

  @FR-003 @SC-003
  Scenario: The frontend hands each request to the backend
    Given the application is installed by its chart
    And an account
    When a todo is created, read, changed and deleted through the frontend
    Then each answer came from a pod of the backend

  @SC-003
  Scenario Outline: Todos of one person are closed to <who>
    Given the application is installed by its chart
    And an account with a todo
    When <who> asks for the todos of the account
    Then the answer is <status>

    Examples:
      | who                          | status |
      | nobody in particular         | 401    |
      | somebody with a forged token | 401    |
      | somebody else                | 403    |

  @SC-003 @US2.1 @disruptive
  Scenario: Todos outlive the pods
    Given the application is installed by its chart
    And an account with a todo
    When every pod of the application is replaced
    Then the application is ready again
    And the todo is still there
